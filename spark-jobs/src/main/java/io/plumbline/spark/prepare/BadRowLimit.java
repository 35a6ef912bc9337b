package io.plumbline.spark.prepare;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;
import java.math.BigDecimal;

/**
 * How many rows may be refused before preparing fails.
 *
 * @param rows a number of rows, or -1 where the fraction counts
 * @param fraction of all rows read
 */
public record BadRowLimit(long rows, double fraction) implements Serializable {
  /** One row in twenty. */
  public static final BadRowLimit DEFAULT = new BadRowLimit(-1, 0.05);

  /**
   * Reads {@code 100} as a number of rows, {@code 0.05} and {@code 5%} as fractions of all rows.
   */
  public static BadRowLimit parse(String text) {
    String trimmed = text.trim();
    try {
      if (trimmed.endsWith("%")) {
        return ofFraction(
            Double.parseDouble(trimmed.substring(0, trimmed.length() - 1)) / 100, text);
      }
      if (trimmed.contains(".") || trimmed.contains("e") || trimmed.contains("E")) {
        return ofFraction(Double.parseDouble(trimmed), text);
      }
      long rows = Long.parseLong(trimmed);
      if (rows < 0) {
        throw misread(text);
      }
      return new BadRowLimit(rows, 0);
    } catch (NumberFormatException e) {
      throw misread(text);
    }
  }

  private static BadRowLimit ofFraction(double fraction, String text) {
    if (!(fraction >= 0 && fraction <= 1)) {
      throw misread(text);
    }
    return new BadRowLimit(-1, fraction);
  }

  private static PlumblineException misread(String text) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "--max-bad-rows "
            + text
            + " is neither a number of rows nor a fraction; write it as 100, 0.05 or 5%");
  }

  boolean allows(long refused, long read) {
    return rows >= 0 ? refused <= rows : refused <= fraction * read;
  }

  @Override
  public String toString() {
    return rows >= 0 ? Long.toString(rows) : percent(fraction);
  }

  /** A share as the command line has it, such as {@code 2.5%}. */
  public static String percent(double share) {
    return BigDecimal.valueOf(share).scaleByPowerOfTen(2).stripTrailingZeros().toPlainString()
        + "%";
  }
}
