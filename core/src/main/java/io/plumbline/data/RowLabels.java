package io.plumbline.data;

import io.plumbline.data.TokenizedRow.Desirability;
import java.util.Locale;
import java.util.Optional;

/** What a column says of a completion: whether it is good. */
final class RowLabels {
  private RowLabels() {}

  /**
   * A truth value in the spellings that tables have of it, or a rating.
   *
   * @param desirableFrom the least rating that is good; NaN where none is named, and then ratings
   *     are refused, as nothing says which of them are good
   */
  static Desirability read(Object value, String column, double desirableFrom)
      throws RefusedRowException {
    Optional<Boolean> truth = truth(value);
    Optional<Double> number = number(value);
    if (!Double.isNaN(desirableFrom)) {
      if (number.isPresent()) {
        return of(number.get() >= desirableFrom);
      }
      if (truth.isPresent()) {
        throw new RefusedRowException(
            RefusalReason.BAD_VALUE,
            column + " is true or false, and --desirable-from is about ratings: leave it out");
      }
      throw bad(column, value, "a number, as --desirable-from names the least good one");
    }
    // A rating of 1 among others up to 5 is no praise.
    boolean rating = column.equals("rating") || column.equals("score");
    if (truth.isPresent() && !(rating && number.isPresent())) {
      return of(truth.get());
    }
    throw bad(
        column,
        value,
        number.isPresent()
            ? "true or false, or 1 or 0; of ratings, name the least good one by --desirable-from"
            : "true or false, or 1 or 0");
  }

  private static Desirability of(boolean good) {
    return good ? Desirability.DESIRABLE : Desirability.UNDESIRABLE;
  }

  private static Optional<Boolean> truth(Object value) {
    if (value instanceof Boolean truth) {
      return Optional.of(truth);
    }
    if (value instanceof String text) {
      String word = text.strip().toLowerCase(Locale.ROOT);
      if (word.equals("true") || word.equals("false")) {
        return Optional.of(word.equals("true"));
      }
    }
    return number(value).filter(number -> number == 0 || number == 1).map(number -> number == 1);
  }

  private static Optional<Double> number(Object value) {
    if (value instanceof Number number) {
      return Optional.of(number.doubleValue()).filter(found -> !Double.isNaN(found));
    }
    if (value instanceof String text && text.strip().matches("[-+]?[0-9]+(\\.[0-9]+)?")) {
      return Optional.of(Double.parseDouble(text.strip()));
    }
    return Optional.empty();
  }

  private static RefusedRowException bad(String column, Object value, String wanted) {
    return new RefusedRowException(
        RefusalReason.BAD_VALUE, column + " is " + Values.said(value) + "; it must be " + wanted);
  }
}
