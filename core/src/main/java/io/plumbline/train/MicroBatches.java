package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;

/**
 * Splits a rank's rows of one step into forward passes. Rows of like length go together, so that
 * little is spent on padding; which rows share a pass changes no result beyond rounding.
 */
final class MicroBatches {
  private MicroBatches() {}

  static List<List<TokenizedRow>> split(List<TokenizedRow> all, LoopSettings settings) {
    return split(all, settings.microBatchSize().size(), settings.microBatchTokens());
  }

  /**
   * @param rows at most this many rows a pass, if given
   * @param tokenBudget otherwise as many rows as fit this many tokens, padding included; always at
   *     least one
   */
  static List<List<TokenizedRow>> split(List<TokenizedRow> all, OptionalInt rows, int tokenBudget) {
    List<TokenizedRow> sorted = new ArrayList<>(all);
    // The sort is stable: equal lengths keep slot order, so a run repeats to the bit.
    sorted.sort(Comparator.comparingInt(TokenizedRow::tokens).reversed());
    List<List<TokenizedRow>> batches = new ArrayList<>();
    List<TokenizedRow> batch = new ArrayList<>();
    int longest = 0;
    for (TokenizedRow row : sorted) {
      boolean full =
          rows.isPresent()
              ? batch.size() >= rows.getAsInt()
              : (long) longest * (batch.size() + 1) > tokenBudget;
      if (!batch.isEmpty() && full) {
        batches.add(List.copyOf(batch));
        batch.clear();
      }
      if (batch.isEmpty()) {
        longest = row.tokens();
      }
      batch.add(row);
    }
    if (!batch.isEmpty()) {
      batches.add(List.copyOf(batch));
    }
    return batches;
  }
}
