package io.plumbline.spark.inference;

import io.plumbline.data.TokenizedRow;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;

/** Splits rows into forward passes. */
public final class Batches {
  private Batches() {}

  /**
   * Batches of rows of like length: the number of rows times the tokens of the longest is at most
   * {@code tokens}, but for a row that alone is longer. Longest first, so that a batch that does
   * not fit into memory shows at once.
   */
  public static List<List<TokenizedRow>> byTokens(List<TokenizedRow> rows, int tokens) {
    return byTokens(rows, row -> row, tokens);
  }

  /** Batches of whatever has a row, by its row. */
  public static <T> List<List<T>> byTokens(
      List<T> all, Function<T, TokenizedRow> rowOf, int tokens) {
    List<T> sorted = new ArrayList<>(all);
    sorted.sort(
        Comparator.comparing(
            rowOf,
            Comparator.comparingInt(TokenizedRow::tokens)
                .reversed()
                .thenComparing(TokenizedRow::fingerprint)));
    List<List<T>> batches = new ArrayList<>();
    List<T> batch = new ArrayList<>();
    long longest = 0;
    for (T item : sorted) {
      if (!batch.isEmpty() && (batch.size() + 1) * longest > tokens) {
        batches.add(batch);
        batch = new ArrayList<>();
      }
      if (batch.isEmpty()) {
        longest = rowOf.apply(item).tokens();
      }
      batch.add(item);
    }
    if (!batch.isEmpty()) {
      batches.add(batch);
    }
    return batches;
  }
}
