package io.plumbline.spark.prepare;

import io.plumbline.reward.FailureLimit;
import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.OptionalLong;

/**
 * How many rows may be refused before preparing fails.
 *
 * @param rows a number of rows, or -1 where the fraction counts
 * @param fraction of all rows read
 */
public record BadRowLimit(long rows, double fraction) implements Serializable {
  private static final String FAILED_REWARDS = "--max-failed-rewards";

  /** One row in twenty. */
  public static final BadRowLimit DEFAULT = new BadRowLimit(-1, 0.05);

  /**
   * Reads {@code 100} as a number of rows and {@code 5%} as a share of all rows.
   *
   * @throws IllegalArgumentException whose message says what it must be
   */
  public static BadRowLimit parse(String text) {
    String wanted = "must be a whole number such as 10 or a share such as 1%";
    String trimmed = text.strip().toLowerCase(Locale.ROOT);
    try {
      if (trimmed.endsWith("%")) {
        double percent = Double.parseDouble(trimmed.substring(0, trimmed.length() - 1));
        if (percent >= 0 && percent <= 100) {
          return new BadRowLimit(-1, percent / 100);
        }
      } else {
        long rows = Long.parseLong(trimmed);
        if (rows >= 0) {
          return new BadRowLimit(rows, 0);
        }
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    throw new IllegalArgumentException(wanted);
  }

  /** As {@link #parse} reads it again. */
  public Object text() {
    return rows >= 0 ? (Object) rows : percent(fraction);
  }

  /** How many rewards may fail, as {@code --max-failed-rewards} has it. */
  public FailureLimit failures() {
    return rows >= 0
        ? new FailureLimit(OptionalLong.of(rows), 1, FAILED_REWARDS)
        : new FailureLimit(OptionalLong.empty(), fraction, FAILED_REWARDS);
  }

  /** Whether so many may be refused. */
  public boolean allows(long refused, long read) {
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
