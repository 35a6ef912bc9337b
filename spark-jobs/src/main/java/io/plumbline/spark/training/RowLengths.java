package io.plumbline.spark.training;

import io.plumbline.data.CanonicalShards;
import io.plumbline.data.TokenizedRow;
import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.spark.report.Histogram;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** How long the rows are that a run trained on, by those that it came to first. */
final class RowLengths {
  private static final int ROWS = 2_000;

  private RowLengths() {}

  /** Tokens of prompts, and of each side where rows have two. */
  static Histogram of(CanonicalShards shards) {
    Map<String, List<Double>> lengths = new LinkedHashMap<>();
    int rows = 0;
    try (CanonicalShards.StepReader reader = shards.reader(0, 1, 0)) {
      for (long step = 0; step < shards.plan().steps() && rows < ROWS; step++) {
        for (TokenizedRow row : reader.next()) {
          rows++;
          add(lengths, "prompt", row.prompt());
          List<int[]> completions = row.completions();
          if (row.desirability() != Desirability.UNSTATED || completions.size() == 1) {
            add(lengths, "completion", completions.get(0));
          } else if (completions.size() == 2) {
            add(lengths, "chosen", completions.get(0));
            add(lengths, "rejected", completions.get(1));
          }
        }
      }
    }
    Map<String, double[]> values = new LinkedHashMap<>();
    lengths.forEach(
        (part, tokens) ->
            values.put(part, tokens.stream().mapToDouble(Double::doubleValue).toArray()));
    return Histogram.of(
        "Lengths of rows", "Tokens of each part of a row, of the rows trained on first.", values);
  }

  private static void add(Map<String, List<Double>> lengths, String part, int[] tokens) {
    lengths.computeIfAbsent(part, p -> new ArrayList<>()).add((double) tokens.length);
  }
}
