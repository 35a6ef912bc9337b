package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import java.util.List;

/**
 * A rank's part of a step's batch, as a feed hands it to the method: all that a loss reads is here.
 *
 * @param rows by slot; may be empty
 * @param columns what is known of the rows besides their tokens, by slot
 * @param <P> the columns' type: {@link NoColumns} for rows that say all themselves
 */
public record StepBatch<P>(List<TokenizedRow> rows, P columns) {
  public StepBatch {
    rows = List.copyOf(rows);
  }

  /** Rows that say all themselves. */
  public static StepBatch<NoColumns> of(List<TokenizedRow> rows) {
    return new StepBatch<>(rows, NoColumns.NONE);
  }
}
