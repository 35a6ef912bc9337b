package io.plumbline.spark.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Fixtures;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.ScoreModel;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedModelsTest {
  private static final Storage STORAGE = Storage.local();
  private static final String LLAMA = Fixtures.golden("models/llama").toString();

  @TempDir Path directory;

  @AfterEach
  void closeAll() {
    SharedModels.closeIdle();
  }

  private static <M> SharedModels.Lease<M> lease(SharedModels<M> models, String path) {
    return models.acquire(
        STORAGE, path, ModelDirectory.open(STORAGE, path).fingerprint(), ComputeDtype.F32);
  }

  private String rewardModel() {
    String path = directory.resolve("reward").toString();
    ModelDirectory start = ModelDirectory.open(STORAGE, LLAMA);
    try (ScoreModel fresh = ScoreModel.load(start, Purpose.INFERENCE, ComputeDtype.F32, 1)) {
      fresh.write(STORAGE, path, start, WeightFormat.F32);
    }
    return path;
  }

  @Test
  void modelsOfEitherKindAreLoadedOnceForManyTasksAndLingerUntilClosed() throws Exception {
    loadedOnce(SharedModels.LANGUAGE_MODELS, LLAMA);
    loadedOnce(SharedModels.REWARD_MODELS, rewardModel());
  }

  @Test
  void weightsOfOneTypeAreNeverTakenForThoseOfAnother() {
    String fingerprint = ModelDirectory.open(STORAGE, LLAMA).fingerprint();
    Set<CausalLm> models = new HashSet<>();
    for (HeldDtype held : HeldDtype.values()) {
      for (int i = 0; i < 2; i++) {
        try (SharedModels.Lease<CausalLm> lease =
            SharedModels.LANGUAGE_MODELS.acquire(
                STORAGE, LLAMA, fingerprint, ComputeDtype.F32, held, 0)) {
          models.add(lease.model());
        }
      }
    }
    assertThat(models).hasSize(3);
  }

  private static <M> void loadedOnce(SharedModels<M> models, String path) throws Exception {
    long before = models.loads();
    ExecutorService tasks = Executors.newFixedThreadPool(4);
    try {
      List<Future<SharedModels.Lease<M>>> futures = new ArrayList<>();
      for (int task = 0; task < 4; task++) {
        futures.add(tasks.submit(() -> lease(models, path)));
      }
      List<SharedModels.Lease<M>> leases = new ArrayList<>();
      for (Future<SharedModels.Lease<M>> future : futures) {
        leases.add(future.get(60, TimeUnit.SECONDS));
      }
      assertThat(leases).extracting(SharedModels.Lease::model).containsOnly(leases.get(0).model());
      assertThat(leases).filteredOn(SharedModels.Lease::loadedModel).hasSize(1);
      SharedModels.closeIdle();
      assertThat(models.size()).isEqualTo(1);
      // The second close of a lease must not take the model from another task.
      leases.get(0).close();
      leases.get(0).close();
      SharedModels.closeIdle();
      assertThat(models.size()).isEqualTo(1);
      leases.forEach(SharedModels.Lease::close);
    } finally {
      tasks.shutdownNow();
    }

    try (SharedModels.Lease<M> next = lease(models, path)) {
      assertThat(next.loadedModel()).isFalse();
    }
    assertThat(models.loads()).isEqualTo(before + 1);
    SharedModels.closeIdle();
    assertThat(models.size()).isZero();
  }

  @Test
  void otherWeightsThanTheDriverSawAreRefused() {
    assertThatThrownBy(
            () -> SharedModels.LANGUAGE_MODELS.acquire(STORAGE, LLAMA, "other", ComputeDtype.F32))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("is not the one that the driver saw there");
    assertThat(SharedModels.LANGUAGE_MODELS.size()).isZero();
  }
}
