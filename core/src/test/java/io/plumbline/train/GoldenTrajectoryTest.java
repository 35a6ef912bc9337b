package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.optim.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Follows runs of TRL's own trainers step by step, on any number of ranks. */
class GoldenTrajectoryTest {
  @TempDir Path directory;

  @ParameterizedTest(name = "{0} ranks, micro-batches of {1}")
  @CsvSource({"1, 8", "1, 3", "2, 4", "3, 8", "4, 1"})
  void dpoFollowsTrl(int ranks, int microBatch) throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 20, settings(Schedule.LINEAR, 0, microBatch));
    List<Map<String, Double>> lines = run.train(ranks);
    JsonNode steps = log("traj/dpo");
    assertThat(lines).hasSize(20);
    for (int i = 0; i < 20; i++) {
      for (String metric :
          List.of(
              "loss",
              "grad_norm",
              "rewards/chosen",
              "rewards/rejected",
              "rewards/margins",
              "rewards/accuracies",
              "logps/chosen",
              "logps/rejected",
              "entropy",
              "mean_token_accuracy",
              "num_tokens",
              "learning_rate")) {
        follows(lines.get(i), steps.get(i), metric);
      }
    }
    assertThat(lines.get(0).get("rewards/margins")).isCloseTo(0.0, within(1e-5));
    run.assertWeightsCloseTo("traj/dpo/final.safetensors", 1e-4);
  }

  @ParameterizedTest(name = "{0} ranks, micro-batches of {1}")
  @CsvSource({"1, 8", "2, 3"})
  void sftFollowsTrl(int ranks, int microBatch) throws IOException {
    TestRun run =
        TestRun.sft(directory, "traj/sft", 20, settings(Schedule.COSINE, 0.01, microBatch));
    // With accumulation TRL averages these over micro-steps, so only this run has them to compare.
    followsSft(
        run.train(ranks),
        "traj/sft",
        List.of("loss", "grad_norm", "entropy", "mean_token_accuracy", "num_tokens"));
    run.assertWeightsCloseTo("traj/sft/final.safetensors", 1e-4);
  }

  @Test
  void sftWithAccumulationFollowsTrl() throws IOException {
    TestRun run = TestRun.sft(directory, "traj/sft_ga", 20, settings(Schedule.LINEAR, 0, 4));
    followsSft(run.train(1), "traj/sft_ga", List.of("loss", "grad_norm", "num_tokens"));
    run.assertWeightsCloseTo("traj/sft_ga/final.safetensors", 1e-4);
  }

  private static void followsSft(
      List<Map<String, Double>> lines, String trajectory, List<String> metrics) throws IOException {
    JsonNode steps = log(trajectory);
    assertThat(lines).hasSize(20);
    for (int i = 0; i < 20; i++) {
      for (String metric : metrics) {
        follows(lines.get(i), steps.get(i), metric);
      }
    }
  }

  private static void follows(Map<String, Double> line, JsonNode step, String metric) {
    double expected = step.get(metric).asDouble();
    assertThat(line.get(metric))
        .as("%s of step %s", metric, step.get("step"))
        .isCloseTo(expected, within(1e-3 * Math.abs(expected) + 1e-5));
  }

  private static LoopSettings settings(Schedule schedule, double weightDecay, int microBatch) {
    return new LoopSettings(
        new OptimizerSettings(1e-3, schedule, 4, weightDecay, 1.0, 0.9, 0.999, 1e-8),
        LoopSettings.OptionalMicroBatchSize.of(OptionalInt.of(microBatch)),
        8192,
        0,
        0,
        0);
  }

  private static JsonNode log(String trajectory) throws IOException {
    return new ObjectMapper()
        .readTree(Fixtures.golden(trajectory + "/log.json").toFile())
        .get("steps");
  }
}
