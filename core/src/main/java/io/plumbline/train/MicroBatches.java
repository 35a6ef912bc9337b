package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/**
 * Splits a rank's rows of one step into forward passes. Rows of like length go together, so that
 * little is spent on padding; which rows share a pass changes no result beyond rounding.
 */
public final class MicroBatches {
  private MicroBatches() {}

  static List<MicroBatch> split(List<TokenizedRow> all, LoopSettings settings) {
    return split(all, settings.microBatchSize().size(), settings.microBatchTokens());
  }

  /**
   * @param all by slot
   * @param rows at most this many rows a pass, if given
   * @param tokenBudget otherwise as many rows as fit this many tokens, padding included; always at
   *     least one
   */
  public static List<MicroBatch> split(List<TokenizedRow> all, OptionalInt rows, int tokenBudget) {
    // The sort is stable: equal lengths keep slot order, so a run repeats to the bit.
    List<Integer> sorted =
        IntStream.range(0, all.size())
            .boxed()
            .sorted(Comparator.comparingInt((Integer slot) -> all.get(slot).tokens()).reversed())
            .toList();
    List<MicroBatch> batches = new ArrayList<>();
    int from = 0;
    for (int to = 1; to <= sorted.size(); to++) {
      int longest = all.get(sorted.get(from)).tokens();
      boolean full =
          rows.isPresent()
              ? to - from >= rows.getAsInt()
              : (long) longest * (to - from + 1) > tokenBudget;
      if (full || to == sorted.size()) {
        List<Integer> slots = sorted.subList(from, to);
        batches.add(new MicroBatch(slots.stream().map(all::get).toList(), slots));
        from = to;
      }
    }
    return batches;
  }
}
