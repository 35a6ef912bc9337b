package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import java.util.List;

/**
 * Rows of one forward pass.
 *
 * @param rows in the order of the pass
 * @param slots each row's slot among this rank's rows of the step
 */
public record MicroBatch(List<TokenizedRow> rows, List<Integer> slots) {
  /** One row. */
  static MicroBatch of(TokenizedRow row, int slot) {
    return new MicroBatch(List.of(row), List.of(slot));
  }

  /** Row {@code i} alone. */
  MicroBatch only(int i) {
    return of(rows.get(i), slots.get(i));
  }

  int size() {
    return rows.size();
  }

  int slot(int i) {
    return slots.get(i);
  }
}
