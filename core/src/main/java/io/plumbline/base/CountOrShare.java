package io.plumbline.base;

import java.io.Serializable;
import java.math.BigDecimal;

/**
 * A number of things, or a share of all of them: {@code 100} or {@code 5%}, as options have it.
 *
 * @param count the number, or -1 where the share counts
 * @param share of all, from 0 to 1; 0 where the number counts
 */
public record CountOrShare(long count, double share) implements Serializable {
  public static CountOrShare ofCount(long count) {
    return new CountOrShare(count, 0);
  }

  public static CountOrShare ofShare(double share) {
    return new CountOrShare(-1, share);
  }

  /**
   * Reads {@code 100} as a number and {@code 5%} as a share.
   *
   * @throws IllegalArgumentException whose message says what it must be
   */
  public static CountOrShare parse(String text) {
    return parse(text, "must be a whole number such as 10 or a share such as 1%");
  }

  /**
   * Reads it for an option that says otherwise what it must be.
   *
   * @throws IllegalArgumentException whose message is {@code wanted}
   */
  public static CountOrShare parse(String text, String wanted) {
    String trimmed = text.strip();
    try {
      if (trimmed.endsWith("%")) {
        double percent = Double.parseDouble(trimmed.substring(0, trimmed.length() - 1));
        if (percent >= 0 && percent <= 100) {
          return ofShare(percent / 100);
        }
      } else {
        long count = Long.parseLong(trimmed);
        if (count >= 0) {
          return ofCount(count);
        }
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    throw new IllegalArgumentException(wanted);
  }

  public boolean isShare() {
    return count < 0;
  }

  /** Whether {@code some} of {@code all} are no more than this. */
  public boolean allows(long some, long all) {
    return isShare() ? some <= share * all : some <= count;
  }

  /** A number, or a text that {@link #parse(String)} reads again, such as {@code 2.5%}. */
  public Object text() {
    return isShare()
        ? BigDecimal.valueOf(share).scaleByPowerOfTen(2).stripTrailingZeros().toPlainString() + "%"
        : (Object) count;
  }

  @Override
  public String toString() {
    return text().toString();
  }
}
