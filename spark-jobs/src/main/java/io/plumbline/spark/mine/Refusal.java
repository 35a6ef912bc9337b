package io.plumbline.spark.mine;

import io.plumbline.data.RefusalReason;
import io.plumbline.data.RefusedRowException;
import io.plumbline.spark.prepare.RefusedRows;
import java.io.Serializable;

/**
 * Why a row is no prompt.
 *
 * @param sentence with the row's number, counted from 1
 */
record Refusal(RefusalReason reason, String sentence) implements Serializable {
  /** Of no row. */
  static final Refusal NONE = new Refusal(RefusalReason.MISSING_FIELD, "");

  static Refusal of(long place, RefusedRowException e) {
    return new Refusal(e.reason(), "row %d: %s".formatted(place + 1, e.getMessage()));
  }

  /** This one, or the other where this is of no row. */
  Refusal or(Refusal other) {
    return sentence.isEmpty() ? other : this;
  }

  /** What ends such refusals, as a part of a sentence. */
  String remedy() {
    return reason == RefusalReason.TOO_LONG
        ? "lower --max-new-tokens, or cut the prompts by --max-prompt-length"
        : RefusedRows.remedy(reason);
  }
}
