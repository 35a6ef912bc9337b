package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.Fixtures;
import io.plumbline.data.TokenizedRow;
import io.plumbline.optim.Optimizers;
import io.plumbline.optim.Schedule;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.SmallWindows;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same run again gives the same bits, also after a stop; other world sizes give rounding. */
class RepeatableTrainingTest {
  private static final Set<String> TIMINGS =
      Set.of("tokens_per_second", "step_time", "eval_runtime");

  @TempDir Path directory;

  @Test
  void worldSizesGiveTheSameMetricsAndWeights() throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 10, settings(0));
    List<Map<String, Double>> alone = run.train(1);
    Map<String, float[]> weights = run.weights();
    for (int ranks = 2; ranks <= 4; ranks++) {
      List<Map<String, Double>> together = run.train(ranks);
      for (int i = 0; i < alone.size(); i++) {
        Map<String, Double> expected = withoutTimings(alone.get(i));
        Map<String, Double> actual = withoutTimings(together.get(i));
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        for (String metric : expected.keySet()) {
          assertThat(actual.get(metric))
              .as("%s of step %d with %d ranks", metric, i + 1, ranks)
              .isCloseTo(
                  expected.get(metric),
                  Offset.offset(1e-5 * Math.max(1, Math.abs(expected.get(metric)))));
        }
      }
      run.assertWeightsCloseTo(weights, 1e-5);
    }
  }

  /** Which experts a token has does not depend on the tokens beside it. */
  @ParameterizedTest
  @ValueSource(strings = {"qwen3_moe", "olmoe"})
  void worldSizesGiveExpertsTheSameWeights(String family) throws IOException {
    List<TokenizedRow> rows = TestRun.supervised("traj/sft");
    Path model = Fixtures.golden("models/" + family);
    TestRun run = TestRun.of(directory, model, Sft::new, rows, 6, settings(0));
    List<Map<String, Double>> alone = run.train(1);
    Map<String, float[]> weights = run.weights();
    List<Map<String, Double>> together = run.train(2);
    for (int i = 0; i < alone.size(); i++) {
      assertThat(together.get(i).get("loss"))
          .isCloseTo(alone.get(i).get("loss"), Offset.offset(1e-5));
    }
    run.assertWeightsCloseTo(weights, 1e-5);
  }

  @Test
  void theSameWorldSizeTwiceGivesTheSameBits() throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 6, settings(0));
    for (int ranks : new int[] {1, 3}) {
      List<Map<String, Double>> first = run.train(ranks, "first-" + ranks, Long.MAX_VALUE);
      Map<String, float[]> weights = run.weights();
      List<Map<String, Double>> second = run.train(ranks, "second-" + ranks, Long.MAX_VALUE);
      assertThat(withoutTimings(second)).isEqualTo(withoutTimings(first));
      assertSameBits(run.weights(), weights);
    }
  }

  @Test
  void aRunThatWasStoppedAndGoesOnGivesTheSameBits() throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 12, settings(4));
    List<Map<String, Double>> whole = run.train(2, "whole", Long.MAX_VALUE);
    Map<String, float[]> weights = run.weights();

    // Stopped after step 7: the newest state is that of step 4.
    run.train(2, "stopped", 7);
    List<Map<String, Double>> rest = run.train(2, "stopped", Long.MAX_VALUE);
    assertThat(rest.get(0).get("step")).isEqualTo(5.0);
    assertThat(withoutTimings(rest)).isEqualTo(withoutTimings(whole.subList(4, 12)));
    assertSameBits(run.weights(), weights);
  }

  @Test
  void aRunThatIsAskedToStopSavesItsStateAndGoesOnWithTheSameBits() throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 12, settings(4));
    List<Map<String, Double>> whole = run.train(2, "undisturbed", Long.MAX_VALUE);
    Map<String, float[]> weights = run.weights();

    // One rank hears of it, in step 7; a state is due after steps 4 and 8.
    List<Map<String, Double>> first = run.askedToStopAfter(6).train(2, "asked", Long.MAX_VALUE);
    assertThat(run.outcome().ending()).isEqualTo(LoopOutcome.Ending.INTERRUPTED);
    assertThat(run.outcome().lastStep()).isEqualTo(7);
    assertThat(withoutTimings(first)).isEqualTo(withoutTimings(whole.subList(0, 7)));
    List<Map<String, Double>> rest =
        run.askedToStopAfter(Long.MAX_VALUE).train(2, "asked", Long.MAX_VALUE);
    assertThat(run.outcome().ending()).isEqualTo(LoopOutcome.Ending.COMPLETE);
    assertThat(withoutTimings(rest)).isEqualTo(withoutTimings(whole.subList(7, 12)));
    assertSameBits(run.weights(), weights);
  }

  /** The CPU by another name: gradients, states and weights go through copies, as of a GPU. */
  @Test
  void aModelOnAnotherDeviceGivesTheSameBits() throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 8, settings(4));
    for (int ranks : new int[] {1, 2}) {
      List<Map<String, Double>> whole = run.train(ranks, "host-" + ranks, Long.MAX_VALUE);
      Map<String, float[]> weights = run.weights();
      TestRun other = run.on(new Device("cpu", 0));
      String states = "device-" + ranks;
      other.train(ranks, states, 6);
      List<Map<String, Double>> rest = other.train(ranks, states, Long.MAX_VALUE);
      assertThat(withoutTimings(rest)).isEqualTo(withoutTimings(whole.subList(4, 8)));
      assertSameBits(other.weights(), weights);
    }
  }

  /** As where a tensor is larger than a buffer: here in windows of some thousand floats. */
  @Test
  void tensorsInSeveralBuffersGiveTheSameBitsAndFiles() throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 8, settings(4));
    for (int ranks : new int[] {1, 2}) {
      String whole = "whole-" + ranks;
      List<Map<String, Double>> lines = run.train(ranks, whole, Long.MAX_VALUE);
      Map<String, float[]> weights = run.weights();
      for (int floats : new int[] {997, 5003}) {
        String states = "windows-" + ranks + "-" + floats;
        try (SmallWindows windows = SmallWindows.of(floats)) {
          run.train(ranks, states, 6);
        }
        // The state of step 4 was written from many buffers, and is read into others.
        assertThat(numbers(states, 4)).isEqualTo(numbers(whole, 4));
        try (SmallWindows windows = SmallWindows.of(floats + 1)) {
          List<Map<String, Double>> rest = run.train(ranks, states, Long.MAX_VALUE);
          assertThat(withoutTimings(rest)).isEqualTo(withoutTimings(lines.subList(4, 8)));
        }
        assertSameBits(run.weights(), weights);
        assertThat(numbers(states, 8)).isEqualTo(numbers(whole, 8));
      }
    }
  }

  /** The hash of each file of numbers of a state, by its name. */
  private Map<String, String> numbers(String states, long step) throws IOException {
    Map<String, String> hashes = new TreeMap<>();
    Path marker = directory.resolve(states + "/step-%08d/_COMPLETE".formatted(step));
    for (JsonNode file : new ObjectMapper().readTree(marker.toFile()).get("files")) {
      if (file.get("file").asText().endsWith(".safetensors")) {
        hashes.put(file.get("name").asText(), file.get("sha256").asText());
      }
    }
    assertThat(hashes).containsKeys("values/embedding", "mean/layer 0", "square/head");
    return hashes;
  }

  @Test
  void aRunThatWasStoppedGoesOnWithAnotherNumberOfRanks() throws IOException {
    TestRun run = TestRun.dpo(directory, "traj/dpo", 12, settings(4));
    run.train(2, "whole", Long.MAX_VALUE);
    Map<String, float[]> weights = run.weights();

    run.train(2, "stopped", 7);
    List<Map<String, Double>> rest = run.train(3, "stopped", Long.MAX_VALUE);
    assertThat(rest).hasSize(8);
    run.assertWeightsCloseTo(weights, 1e-5);
  }

  private static void assertSameBits(Map<String, float[]> actual, Map<String, float[]> expected) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, values) -> assertThat(actual.get(name)).as(name).isEqualTo(values));
  }

  private static List<Map<String, Double>> withoutTimings(List<Map<String, Double>> lines) {
    List<Map<String, Double>> kept = new ArrayList<>();
    lines.forEach(line -> kept.add(withoutTimings(line)));
    return kept;
  }

  private static Map<String, Double> withoutTimings(Map<String, Double> line) {
    Map<String, Double> kept = new LinkedHashMap<>(line);
    kept.keySet().removeAll(TIMINGS);
    return kept;
  }

  private static LoopSettings settings(long saveSteps) {
    return Plain.loop(
        Optimizers.decaying(Optimizers.scheduled(1e-3, Schedule.LINEAR, 4), 0.01),
        OptionalInt.of(2),
        8192,
        saveSteps);
  }
}
