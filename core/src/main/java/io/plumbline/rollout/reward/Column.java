package io.plumbline.rollout.reward;

import io.plumbline.rollout.Completion;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * A column of the prompt's row.
 *
 * @param missing what a row without a value in it means
 */
record Column(String name, Missing missing) {
  /** What becomes of a completion whose row lacks the value. */
  enum Missing {
    /** It is marked as failed. */
    FAIL,
    /** There is nothing to say of it: for data of several kinds. */
    SKIP
  }

  /** By its name, or by names with dots between where objects hold objects. */
  private static Object in(Map<?, ?> row, String name) {
    Object whole = row.get(name);
    if (whole != null) {
      return whole;
    }
    int dot = name.indexOf('.');
    return dot > 0 && row.get(name.substring(0, dot)) instanceof Map<?, ?> inner
        ? in(inner, name.substring(dot + 1))
        : null;
  }

  /** The value; empty where it is missing and that is allowed. */
  Optional<Object> value(Completion completion) {
    Object value = in(completion.row(), name);
    if (value == null && missing == Missing.FAIL) {
      throw new ScoringException(
          "the row has no value in the column "
              + name
              + "; it has the columns "
              + String.join(", ", new TreeSet<>(completion.row().keySet())));
    }
    return Optional.ofNullable(value);
  }
}
