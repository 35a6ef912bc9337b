package io.plumbline.spark.inference;

import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Splits rows into forward passes. */
public final class Batches {
  private Batches() {}

  /**
   * Batches of rows of like length: the number of rows times the tokens of the longest is at most
   * {@code tokens}, but for a row that alone is longer. Longest first, so that a batch that does
   * not fit into memory shows at once.
   */
  public static List<List<TokenizedRow>> byTokens(List<TokenizedRow> rows, int tokens) {
    List<TokenizedRow> sorted = new ArrayList<>(rows);
    sorted.sort(
        Comparator.comparingInt(TokenizedRow::tokens)
            .reversed()
            .thenComparing(TokenizedRow::fingerprint));
    List<List<TokenizedRow>> batches = new ArrayList<>();
    List<TokenizedRow> batch = new ArrayList<>();
    long longest = 0;
    for (TokenizedRow row : sorted) {
      if (!batch.isEmpty() && (batch.size() + 1) * longest > tokens) {
        batches.add(batch);
        batch = new ArrayList<>();
      }
      if (batch.isEmpty()) {
        longest = row.tokens();
      }
      batch.add(row);
    }
    if (!batch.isEmpty()) {
      batches.add(batch);
    }
    return batches;
  }
}
