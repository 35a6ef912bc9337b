package io.plumbline.spark.prepare;

import io.plumbline.data.TokenizedRow;
import java.util.Arrays;
import java.util.List;

/** A row with another row's completion beside its own. */
final class Mismatch {
  private Mismatch() {}

  /**
   * @param maxLength tokens of the prompt and the other's completion at most; 0 for no limit
   */
  static TokenizedRow of(TokenizedRow row, TokenizedRow other, int maxLength) {
    int[] own = only(row);
    int[] mismatched = only(other);
    int prompt = row.prompt().length;
    // Were the prompt as long as the limit, the row's own completion would have no place either.
    int room = maxLength == 0 ? mismatched.length : Math.max(1, maxLength - prompt);
    if (mismatched.length > room) {
      mismatched = Arrays.copyOf(mismatched, room);
    }
    boolean masked = prompt == 0 || !row.lossMasks().isEmpty() || !other.lossMasks().isEmpty();
    List<byte[]> masks =
        masked
            ? List.of(mask(row, own.length, prompt), mask(other, mismatched.length, prompt))
            : List.of();
    return TokenizedRow.of(row.index(), row.prompt(), List.of(own, mismatched), masks)
        .judged(row.margin(), row.desirability());
  }

  private static int[] only(TokenizedRow row) {
    if (row.completions().size() != 1) {
      throw new IllegalArgumentException(
          "row " + row.index() + " has " + row.completions().size() + " completions, not one");
    }
    return row.completions().get(0);
  }

  private static byte[] mask(TokenizedRow row, int length, int prompt) {
    byte[] mask = new byte[length];
    if (row.lossMasks().isEmpty()) {
      Arrays.fill(mask, (byte) 1);
    } else {
      mask = Arrays.copyOf(row.lossMasks().get(0), length);
    }
    if (prompt == 0) {
      // Nothing predicts a first token.
      mask[0] = 0;
    }
    return mask;
  }
}
