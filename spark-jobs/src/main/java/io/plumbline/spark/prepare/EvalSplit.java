package io.plumbline.spark.prepare;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;

/**
 * How much of a data set is held out for evaluation.
 *
 * @param rows a number of rows, or 0 where the share counts
 * @param share of all rows, above 0 and below 1; 0 where the number counts
 */
public record EvalSplit(long rows, double share) implements Serializable {
  public EvalSplit {
    boolean isNumber = rows > 0 && share == 0;
    boolean isShare = rows == 0 && share > 0 && share < 1;
    if (!isNumber && !isShare) {
      throw new IllegalArgumentException(
          "%d rows or a share of %s cannot be held out".formatted(rows, share));
    }
  }

  public static EvalSplit ofRows(long rows) {
    return new EvalSplit(rows, 0);
  }

  public static EvalSplit ofShare(double share) {
    return new EvalSplit(0, share);
  }

  /**
   * Reads {@code 200} as a number of rows and {@code 10%} as a share of all rows.
   *
   * @throws IllegalArgumentException whose message says what it must be
   */
  public static EvalSplit parse(String text) {
    String wanted = "must be a whole number of rows such as 500 or a share such as 5%";
    String trimmed = text.strip();
    try {
      if (trimmed.endsWith("%")) {
        double percent = Double.parseDouble(trimmed.substring(0, trimmed.length() - 1));
        if (percent > 0 && percent < 100) {
          return ofShare(percent / 100);
        }
      } else {
        long rows = Long.parseLong(trimmed);
        if (rows > 0) {
          return ofRows(rows);
        }
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    throw new IllegalArgumentException(wanted);
  }

  /** As {@link #parse} reads it again. */
  public Object text() {
    return rows > 0 ? (Object) rows : BadRowLimit.percent(share);
  }

  /** How many of so many rows are held out: at least one, and not all. */
  long of(long all) {
    long wanted = rows > 0 ? rows : Math.max(1, Math.round(share * all));
    if (wanted >= all) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "--eval-split "
              + this
              + " of "
              + all
              + " rows leaves none to train on; hold out fewer, or give --eval-data");
    }
    return wanted;
  }

  @Override
  public String toString() {
    return rows > 0 ? Long.toString(rows) : Double.toString(share);
  }
}
