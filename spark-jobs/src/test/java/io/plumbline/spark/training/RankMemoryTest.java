package io.plumbline.spark.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.plumbline.checkpoint.InitModel;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.BaseStorage;
import io.plumbline.model.LoraSettings;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RankMemoryTest {
  private static final long GIB = 1L << 30;

  @TempDir Path directory;
  private ModelDirectory model;
  private TrainingRequest request;
  private long least;

  @BeforeEach
  void makeModel() {
    String path = directory.resolve("model").toString();
    InitModel.write(Storage.local(), path, InitModel.Settings.defaults());
    model = ModelDirectory.open(Storage.local(), path);
    request = asked(1);
    least = 16 * model.tensors().stream().mapToLong(ModelDirectory.TensorInfo::elements).sum();
  }

  private TrainingRequest asked(int ranks) {
    return TestRequest.dpo(
            directory.resolve("model"),
            directory.resolve("data"),
            directory.resolve("out"),
            1,
            ranks)
        .build();
  }

  private RankMemory memory(long machine, Map<String, String> settings) {
    SparkConf conf = new SparkConf(false);
    settings.forEach(conf::set);
    return RankMemory.of(conf, machine, Storage.local(), request, model);
  }

  @Test
  void aMachineMustHoldWhatAllRanksHold() {
    Map<String, String> local = Map.of("spark.master", "local[2]");
    assertThat(memory(64 * GIB, local).obstacle()).isEmpty();
    assertThat(memory(64 * GIB, local).doubt()).isEmpty();
    assertThat(memory(least - 1, local).obstacle().orElseThrow())
        .contains("A rank needs", model.path(), "this machine has", "fewer --ranks");
    // What activations take is not known for certain.
    assertThat(memory(least + 1, local).obstacle()).isEmpty();
    assertThat(memory(least + 1, local).doubt().orElseThrow())
        .contains("A rank may need", "--micro-batch-tokens");
    request = asked(2);
    assertThat(memory(2 * least - 2, local).obstacle().orElseThrow())
        .contains("each of 2 ranks on this machine");
  }

  @Test
  void anExecutorHasItsHeapAndItsOverhead() {
    Map<String, String> small =
        Map.of(
            "spark.master", "yarn",
            "spark.executor.memory", "1m",
            "spark.executor.minMemoryOverhead", "1m");
    assertThat(memory(0, small).obstacle().orElseThrow())
        .contains("an executor", "set spark.executor.memoryOverhead to 2g or more");
    Map<String, String> large =
        Map.of(
            "spark.master", "k8s://https://host",
            "spark.executor.memory", "4g",
            "spark.executor.memoryOverhead", "60g");
    assertThat(memory(0, large).obstacle()).isEmpty();
    assertThat(memory(0, large).doubt()).isEmpty();
  }

  private static LoraSettings lora(HeldDtype held) {
    return new LoraSettings(2, 4, 0, List.of("q_proj"), List.of(), false, false, held, "");
  }

  private long frozen(HeldDtype held) {
    return new BaseStorage(DecoderConfig.parse(model.config(), "model"), held).bytes(Head.TOKENS);
  }

  @Test
  void frozenWeightsInFewerBytesAreOfferedWhereTheyFit() {
    Map<String, String> local = Map.of("spark.master", "local[1]");
    TestRequest dpo =
        TestRequest.dpo(
            directory.resolve("model"), directory.resolve("data"), directory.resolve("out"), 1, 1);
    request = dpo.lora(lora(HeldDtype.F32)).build();
    assertThat(memory(frozen(HeldDtype.F32), local).obstacle().orElseThrow())
        .contains("fewer --ranks", ", hold the frozen weights by --base-dtype bf16");
    assertThat(memory(frozen(HeldDtype.BF16), local).obstacle().orElseThrow())
        .contains("--base-dtype int8");
    assertThat(memory(frozen(HeldDtype.INT8), local).obstacle().orElseThrow())
        .doesNotContain("--base-dtype");
    request = dpo.lora(lora(HeldDtype.INT8)).build();
    assertThat(memory(frozen(HeldDtype.BF16), local).obstacle()).isEmpty();
    // Layers are computed again anyway.
    assertThat(memory(frozen(HeldDtype.BF16), local).doubt().orElseThrow())
        .doesNotContain("--gradient-checkpointing");
    assertThat(memory(frozen(HeldDtype.INT8), local).obstacle().orElseThrow())
        .doesNotContain("--base-dtype");
  }

  @Test
  void anAdapterNeedsGradientsAndMomentsForItsOwnParametersAlone() {
    Map<String, String> local = Map.of("spark.master", "local[1]");
    long weights = least / 4;
    request =
        TestRequest.dpo(
                directory.resolve("model"),
                directory.resolve("data"),
                directory.resolve("out"),
                1,
                1)
            .lora(lora(HeldDtype.F32))
            .build();
    assertThat(memory(2 * weights, local).obstacle()).isEmpty();
    assertThat(memory(weights, local).obstacle().orElseThrow())
        .contains("A rank needs")
        .doesNotContain("--lora-r");
  }

  @Test
  void aProcessTakesMemoryBeforeThereIsAModel() {
    Map<String, String> local = Map.of("spark.master", "local[1]");
    // More than the model and a full micro-batch need.
    assertThat(memory(800L << 20, local).doubt().orElseThrow()).contains("A rank may need");
    assertThat(memory(1600L << 20, local).doubt()).isEmpty();
  }

  @Test
  void nothingIsSaidWhereNothingIsKnown() {
    assertThat(memory(1, Map.of("spark.master", "spark://host:7077")).obstacle()).isEmpty();
    Map<String, String> gpu = Map.of("spark.master", "yarn", "spark.task.resource.gpu.amount", "1");
    assertThat(memory(1, gpu).obstacle()).isEmpty();
  }
}
