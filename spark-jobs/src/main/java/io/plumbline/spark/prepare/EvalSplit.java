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
      throw misread(rows == 0 ? Double.toString(share) : Long.toString(rows));
    }
  }

  public static EvalSplit ofRows(long rows) {
    return new EvalSplit(rows, 0);
  }

  public static EvalSplit ofShare(double share) {
    return new EvalSplit(0, share);
  }

  /** Reads {@code 200} as a number of rows, {@code 0.1} and {@code 10%} as shares of all rows. */
  public static EvalSplit parse(String text) {
    String trimmed = text.trim();
    try {
      if (trimmed.endsWith("%")) {
        return ofShare(Double.parseDouble(trimmed.substring(0, trimmed.length() - 1)) / 100);
      }
      return trimmed.matches("[0-9]+")
          ? ofRows(Long.parseLong(trimmed))
          : ofShare(Double.parseDouble(trimmed));
    } catch (NumberFormatException | PlumblineException e) {
      throw misread(text);
    }
  }

  private static PlumblineException misread(String text) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "--eval-split "
            + text
            + " is neither a number of rows nor a share of them; write it as 200, 0.1 or 10%");
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
