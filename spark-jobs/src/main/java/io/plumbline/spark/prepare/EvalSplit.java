package io.plumbline.spark.prepare;

import io.plumbline.base.CountOrShare;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;

/**
 * How much of a data set is held out for evaluation.
 *
 * @param part at least one row, or a share of all rows above 0 and below 1
 */
public record EvalSplit(CountOrShare part) implements Serializable {
  private static final String WANTED =
      "must be a whole number of rows such as 500 or a share such as 5%";

  public EvalSplit {
    if (part.isShare() ? part.share() <= 0 || part.share() >= 1 : part.count() == 0) {
      throw new IllegalArgumentException(WANTED);
    }
  }

  public static EvalSplit ofRows(long rows) {
    return new EvalSplit(CountOrShare.ofCount(rows));
  }

  public static EvalSplit ofShare(double share) {
    return new EvalSplit(CountOrShare.ofShare(share));
  }

  /**
   * Reads {@code 200} as a number of rows and {@code 10%} as a share of all rows.
   *
   * @throws IllegalArgumentException whose message says what it must be
   */
  public static EvalSplit parse(String text) {
    return new EvalSplit(CountOrShare.parse(text, WANTED));
  }

  /** As {@link #parse} reads it again. */
  public Object text() {
    return part.text();
  }

  /** How many of so many rows are held out: at least one, and not all. */
  long of(long all) {
    long wanted = part.isShare() ? Math.max(1, Math.round(part.share() * all)) : part.count();
    if (wanted >= all) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "--eval-split "
              + number()
              + " of "
              + all
              + " rows leaves none to train on; hold out fewer, or give --eval-data");
    }
    return wanted;
  }

  /** The number of rows, or the share as a number. */
  String number() {
    return part.isShare() ? Double.toString(part.share()) : Long.toString(part.count());
  }
}
