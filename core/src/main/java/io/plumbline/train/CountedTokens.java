package io.plumbline.train;

import io.plumbline.data.TokenizedRow;

/** Counting and adding up over the completion tokens that a loss looks at. */
public final class CountedTokens {
  private CountedTokens() {}

  /**
   * How many tokens of a row's completion count: all, unless a mask says less or there is no token
   * before the first, which then has no distribution to come from.
   */
  static int of(TokenizedRow row, int completion) {
    int length = row.completions().get(completion).length;
    int first = row.prompt().length == 0 ? 1 : 0;
    if (row.lossMasks().isEmpty()) {
      return length - first;
    }
    byte[] mask = row.lossMasks().get(completion);
    int counted = 0;
    for (int t = first; t < length; t++) {
      counted += mask[t];
    }
    return counted;
  }

  /** For each token of a completion 1 where it counts, else 0. */
  static byte[] mask(TokenizedRow row, int completion) {
    byte[] mask = new byte[row.completions().get(completion).length];
    for (int t = row.prompt().length == 0 ? 1 : 0; t < mask.length; t++) {
      mask[t] = row.lossMasks().isEmpty() ? 1 : row.lossMasks().get(completion)[t];
    }
    return mask;
  }

  /** Tokens that do not count have 0 and drop out. Double precision, in order. */
  public static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }
}
