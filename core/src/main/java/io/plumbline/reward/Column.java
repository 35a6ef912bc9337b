package io.plumbline.reward;

import io.plumbline.data.ColumnPath;
import java.util.Optional;
import java.util.TreeSet;

/**
 * A column of the prompt's row, or a value in one by its path, such as {@code
 * reward_model.ground_truth}.
 *
 * @param missing what a row without a value in it means
 */
public record Column(String name, Missing missing) {
  /** What becomes of a completion whose row lacks the value. */
  public enum Missing {
    /** It is marked as failed. */
    FAIL,
    /** There is nothing to say of it: for data of several kinds. */
    SKIP
  }

  /** The value; empty where it is missing and that is allowed. */
  public Optional<Object> value(Completion completion) {
    Optional<Object> value = ColumnPath.find(completion.row(), name);
    if (value.isEmpty() && missing == Missing.FAIL) {
      throw new ScoringException(
          "the row has no value in the column "
              + name
              + "; it has the columns "
              + String.join(", ", new TreeSet<>(completion.row().keySet())));
    }
    return value;
  }
}
