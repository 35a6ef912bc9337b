package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.ActivationMemory;
import io.plumbline.optim.Optimizers;
import io.plumbline.train.LoopSettings.BadSteps;
import io.plumbline.train.LoopSettings.Selection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Steps whose loss or gradient is not finite. One token of the model's vocabulary is spoilt. */
class BadStepTest {
  @TempDir Path directory;

  /** A row, and a token that stands in it alone. */
  private record Spoilt(int row, int token) {}

  private static Spoilt spoilt(List<TokenizedRow> rows) {
    Map<Integer, Set<Integer>> rowsOfToken = new HashMap<>();
    for (int row = 0; row < rows.size(); row++) {
      for (int id : rows.get(row).prompt()) {
        rowsOfToken.computeIfAbsent(id, t -> new HashSet<>()).add(row);
      }
    }
    return rowsOfToken.entrySet().stream()
        .filter(entry -> entry.getValue().size() == 1)
        .map(entry -> new Spoilt(entry.getValue().iterator().next(), entry.getKey()))
        .filter(found -> found.row() >= 8 && found.row() < 32)
        .sorted((a, b) -> Integer.compare(a.row(), b.row()))
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest(name = "an embedding of {0} on {1} ranks")
  @CsvSource({"NaN, 1", "Infinity, 1", "NaN, 3"})
  void aBadStepNamesItsRowAndStopsBeforeAnyWeightChanges(float value, int ranks)
      throws IOException {
    List<TokenizedRow> rows = TestRun.supervised("traj/sft");
    Spoilt spoilt = spoilt(rows);
    int badStep = spoilt.row() / 8;
    TestRun run =
        TestRun.of(directory, Sft::new, rows, 6, settings(BadSteps.STOP, badStep))
            .spoilt(new Sft(), spoilt.token(), value);
    assertThatThrownBy(() -> run.train(ranks, "states", Long.MAX_VALUE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NUMERICS))
        .hasMessageContaining("step " + (badStep + 1) + " is not finite")
        .hasMessageContaining("row " + spoilt.row() + " does so alone")
        .hasMessageContaining("--on-bad-step skip");
    // The newest state is the one before the bad step.
    assertThat(directory.resolve("states").resolve(String.format("step-%08d", badStep))).exists();
    assertThat(directory.resolve("states").resolve(String.format("step-%08d", badStep + 1)))
        .doesNotExist();
  }

  @ParameterizedTest(name = "{0} ranks")
  @CsvSource({"1", "2"})
  void aBadStepCanBeLeftOut(int ranks) throws IOException {
    List<TokenizedRow> rows = TestRun.supervised("traj/sft");
    Spoilt spoilt = spoilt(rows);
    int badStep = spoilt.row() / 8;
    TestRun run =
        TestRun.of(directory, Sft::new, rows, 6, settings(BadSteps.SKIP, badStep + 1))
            .spoilt(new Sft(), spoilt.token(), Float.NaN);
    List<Map<String, Double>> lines = run.train(ranks, "whole", Long.MAX_VALUE);
    assertThat(lines).hasSize(6);
    for (int step = 0; step < 6; step++) {
      assertThat(Double.isFinite(lines.get(step).get("loss"))).isEqualTo(step != badStep);
    }
    assertThat(run.notes()).hasSize(1);
    assertThat(run.notes().get(0)).contains("row " + spoilt.row() + " does so alone", "left out");
    Map<String, float[]> weights = run.weights();

    // Stopped right after the bad step and gone on with: the same bits.
    run.train(ranks, "stopped", badStep + 1);
    run.train(ranks, "stopped", Long.MAX_VALUE);
    run.weights().forEach((name, found) -> assertThat(found).as(name).isEqualTo(weights.get(name)));
    weights.forEach(
        (name, values) -> {
          int notFinite = 0;
          for (float value : values) {
            notFinite += Float.isFinite(value) ? 0 : 1;
          }
          // The spoilt token's own embedding and nothing else.
          assertThat(notFinite).as(name).isEqualTo(name.contains("embed_tokens") ? 64 : 0);
        });
  }

  @Test
  void aRunThatOnlyLeavesOutStepsEnds() throws IOException {
    List<TokenizedRow> rows = TestRun.supervised("traj/sft");
    int inEveryRow = rows.get(0).prompt()[0];
    TestRun run =
        TestRun.of(directory, Sft::new, rows, 20, settings(BadSteps.SKIP, 0))
            .spoilt(new Sft(), inEveryRow, Float.NaN);
    assertThatThrownBy(() -> run.train(1))
        .hasMessageContaining("every one of its 8 rows does so alone")
        .hasMessageContaining("10th such step in a row");
  }

  private static LoopSettings settings(BadSteps badSteps, long saveSteps) {
    return new LoopSettings(
        Optimizers.constant(1e-3),
        LoopSettings.OptionalMicroBatchSize.of(OptionalInt.of(4)),
        8192,
        0,
        saveSteps,
        0,
        badSteps,
        Selection.LAST,
        ActivationMemory.KEEP);
  }
}
