package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.optim.Optimizers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a run needs of every optimizer: it learns, stops and resumes, on any number of ranks. */
class OptimizersInTrainingTest {
  private static final int STEPS = 12;

  @TempDir Path directory;

  private TestRun run(String options, int steps) throws IOException {
    Map<String, String> values =
        Arrays.stream(options.split(" ", -1))
            .map(option -> option.split("=", 2))
            .collect(Collectors.toMap(option -> option[0], option -> option[1]));
    return TestRun.dpo(
        directory,
        "traj/dpo",
        steps,
        Plain.loop(Optimizers.of(values), OptionalInt.of(2), 8192, 4));
  }

  @ParameterizedTest
  @CsvSource({
    "optim=adamw adam-moments-dtype=bf16 learning-rate=1e-3 weight-decay=0.01, 2e-3",
    "optim=sgd learning-rate=1 sgd-momentum=0.9 weight-decay=0.001, 1e-4",
    "optim=adafactor learning-rate=1e-3 weight-decay=0.01, 1e-4",
    "optim=muon learning-rate=1e-3 weight-decay=0.01, 1e-4"
  })
  void everyOptimizerLearnsAndResumesOnAnyNumberOfRanks(String options, double rounding)
      throws IOException {
    TestRun run = run(options, STEPS);
    List<Map<String, Double>> whole = run.train(2, "whole", Long.MAX_VALUE);
    Map<String, float[]> weights = run.weights();
    assertThat(whole).hasSize(STEPS);
    double before = whole.get(0).get("loss");
    assertThat(before).isCloseTo(Math.log(2), within(1e-5));
    assertThat(meanOfLast(whole)).isLessThan(before - 0.3);

    // Stopped after step 7: the newest state is that of step 4.
    run.train(2, "stopped", 7);
    List<Map<String, Double>> rest = run.train(2, "stopped", Long.MAX_VALUE);
    assertThat(rest).hasSize(STEPS - 4);
    run.weights().forEach((name, values) -> assertThat(values).isEqualTo(weights.get(name)));

    run.train(3, "three", Long.MAX_VALUE);
    run.assertWeightsCloseTo(weights, rounding);
  }

  private static double meanOfLast(List<Map<String, Double>> lines) {
    return lines.subList(lines.size() - 4, lines.size()).stream()
        .mapToDouble(line -> line.get("loss"))
        .average()
        .orElseThrow();
  }

  /** The loss of each step beside that with moments in f32. */
  @Test
  void momentsInBf16FollowTheLossOfMomentsInF32() throws IOException {
    String options = "optim=adamw learning-rate=1e-3 adam-moments-dtype=";
    List<Map<String, Double>> wide = run(options + "f32", 20).train(1, "f32", Long.MAX_VALUE);
    List<Map<String, Double>> narrow = run(options + "bf16", 20).train(1, "bf16", Long.MAX_VALUE);
    double furthest = 0;
    for (int step = 0; step < wide.size(); step++) {
      furthest =
          Math.max(furthest, Math.abs(wide.get(step).get("loss") - narrow.get(step).get("loss")));
    }
    assertThat(meanOfLast(wide)).isLessThan(wide.get(0).get("loss") - 0.5);
    assertThat(furthest).isBetween(1e-7, 1e-4);
  }
}
