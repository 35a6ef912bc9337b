package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.optim.Optimizers;
import io.plumbline.optim.Schedule;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run whose newest training states were damaged goes on from the one before them. */
class DamagedStatesTest {
  private static final int STEPS = 12;

  @TempDir Path directory;

  private interface Damage {
    void in(Path state) throws IOException;
  }

  private TestRun run() throws IOException {
    LoopSettings settings =
        Plain.loop(
            Optimizers.decaying(Optimizers.scheduled(1e-3, Schedule.LINEAR, 4), 0.01),
            OptionalInt.of(2),
            8192,
            3);
    return TestRun.dpo(directory, "traj/dpo", STEPS, settings);
  }

  private static Path file(Path state, String name) throws IOException {
    try (Stream<Path> files = Files.walk(state)) {
      return files
          .filter(file -> file.getFileName().toString().equals(name))
          .findFirst()
          .orElseThrow();
    }
  }

  private static void flip(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 9] ^= 4;
    Files.write(file, bytes);
  }

  @Test
  void theNewestWholeStateIsTakenAndTheResultHasTheSameBits() throws IOException {
    TestRun run = run();
    run.train(2, "whole", Long.MAX_VALUE);
    Map<String, float[]> weights = run.weights();
    Map<String, Damage> damages =
        Map.of(
            "have changed",
            state -> flip(file(state, "values_2fembedding.safetensors")),
            "bytes where",
            state -> {
              Path file = file(state, "square_2fhead.safetensors");
              Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 100));
            },
            "is gone",
            state -> Files.delete(file(state, "state.json")),
            "its marker is not what was written",
            state -> Files.write(state.resolve("_COMPLETE"), new byte[0]));
    int number = 0;
    for (Map.Entry<String, Damage> damage : damages.entrySet()) {
      String states = "damaged-" + number++;
      run.train(2, states, 10);
      Path newest = directory.resolve(states).resolve("step-00000009");
      damage.getValue().in(newest);

      List<Map<String, Double>> rest = run.train(2, states, Long.MAX_VALUE);

      assertThat(rest.get(0).get("step")).as(damage.getKey()).isEqualTo(7);
      assertThat(rest).hasSize(6);
      assertThat(run.notes().get(run.notes().size() - 1))
          .contains("step 9: ", damage.getKey(), "from the state of step 6");
      weights.forEach(
          (name, values) -> assertThat(run.weights().get(name)).as(name).isEqualTo(values));
      // Written again on the way.
      assertThat(newest.resolve("_COMPLETE")).isNotEmptyFile();
      assertThat(newest.resolve("_DAMAGED")).doesNotExist();
    }
  }

  @Test
  void severalDamagedStatesArePassedOver() throws IOException {
    TestRun run = run();
    run.train(1, "states", 10);
    flip(file(directory.resolve("states/step-00000009"), "mean_2fhead.safetensors"));
    flip(file(directory.resolve("states/step-00000006"), "values_2fhead.safetensors"));

    List<Map<String, Double>> rest = run.train(2, "states", Long.MAX_VALUE);

    assertThat(rest.get(0).get("step")).isEqualTo(4);
    assertThat(run.notes().get(run.notes().size() - 1))
        .contains("step 6: ", "step 9: ", "from the state of step 3");
  }

  /** As by a token that expires in the middle, which another attempt has anew. */
  @Test
  void whatStorageRefusesInTheMiddleMayBeTriedAgain() throws IOException {
    PlumblineException refused =
        new PlumblineException(ErrorCode.INPUT_NOT_FOUND, "403 for s3a://lake/rows");
    TestRun run = run();
    assertThatThrownBy(() -> run.failingAfter(5, refused).train(2, "states", Long.MAX_VALUE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORAGE_FAILED))
        .hasMessageContaining("403 for s3a://lake/rows");
    List<Map<String, Double>> rest =
        run.failingAfter(Long.MAX_VALUE, refused).train(2, "states", Long.MAX_VALUE);
    assertThat(rest.get(0).get("step")).isEqualTo(4);
  }

  @Test
  void withoutAWholeStateNothingIsDone() throws IOException {
    TestRun run = run();
    run.train(1, "states", 7);
    for (String step : List.of("step-00000003", "step-00000006")) {
      Files.writeString(directory.resolve("states").resolve(step).resolve("_COMPLETE"), "{");
    }

    assertThatThrownBy(() -> run.train(2, "states", Long.MAX_VALUE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_CHECKPOINT))
        .hasMessageContaining("No training state is whole (step 3: ")
        .hasMessageContaining("--overwrite");
    assertThat(directory.resolve("states/step-00000006/_COMPLETE")).exists();
  }
}
