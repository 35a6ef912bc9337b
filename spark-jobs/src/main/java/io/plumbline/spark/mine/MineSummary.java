package io.plumbline.spark.mine;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.mine.Skip;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What mine.json says of the rows: numbers that tell whether they are worth learning from. */
final class MineSummary {
  private static final int BINS = 10;

  private MineSummary() {}

  /**
   * @param names of the reward functions, in their order
   */
  static void write(ObjectNode json, Tally tally, MinedRows rows, List<String> names) {
    json.put("prompts", tally.prompts);
    json.put("completions", tally.completions);
    json.put(rows.pairs() ? "pairs" : "rows", tally.rows);
    json.put("prompts_used", tally.promptsUsed);
    ObjectNode skipped = json.putObject("skipped");
    for (Skip why : Skip.values()) {
      skipped.put(word(why), tally.skipped(why));
    }
    ObjectNode leftOut = json.putObject("left_out");
    for (Tally.LeftOut why : Tally.LeftOut.values()) {
      leftOut.put(word(why), tally.leftOut(why));
    }
    tally.reward.write(json, "reward");
    ObjectNode byFunction = json.putObject("rewards");
    for (int f = 0; f < names.size(); f++) {
      tally.byFunction[f].write(byFunction, names.get(f));
    }
    if (rows.pairs()) {
      tally.chosen.write(json, "chosen_reward");
      tally.rejected.write(json, "rejected_reward");
      tally.margin.write(json, "margin");
    } else {
      tally.chosen.write(json, "taken_reward");
    }
    tally.tokens.write(json, "completion_tokens");
    histogram(json.putObject("histogram"), tally);
  }

  /** Bins of one width from the least reward to the greatest; rewards count to three digits. */
  private static void histogram(ObjectNode json, Tally tally) {
    ArrayNode edges = json.putArray("edges");
    ArrayNode counts = json.putArray("counts");
    if (tally.reward.count() == 0) {
      return;
    }
    double min = tally.reward.min();
    double max = tally.reward.max();
    int bins = min < max ? BINS : 1;
    long[] binned = new long[bins];
    for (Map.Entry<Double, Long> value : tally.histogram.entrySet()) {
      int bin = min < max ? (int) ((value.getKey() - min) / (max - min) * bins) : 0;
      binned[Math.max(0, Math.min(bins - 1, bin))] += value.getValue();
    }
    for (int bin = 0; bin < bins; bin++) {
      edges.add(min + (max - min) * bin / bins);
      counts.add(binned[bin]);
    }
    edges.add(max);
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
