package io.plumbline.spark.mine;

import io.plumbline.base.CountOrShare;
import io.plumbline.data.RefusedRowException;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.prepare.RefusedRows;
import java.io.Serializable;
import java.util.Map;
import scala.Tuple2;

/**
 * What a look at all rows says, before any is completed.
 *
 * @param texts prompts that are text
 * @param chats prompts that are messages
 * @param refusal the first row's that is no prompt
 */
record InputCheck(long texts, long chats, long refused, Refusal refusal) implements Serializable {
  static final InputCheck NONE = new InputCheck(0, 0, 0, Refusal.NONE);

  static boolean isPrompt(Tuple2<Map<String, Object>, Long> row) {
    return NONE.plus(row).refused == 0;
  }

  InputCheck plus(Tuple2<Map<String, Object>, Long> row) {
    try {
      boolean chat = MinePrompt.of(row._2(), row._1()).isChat();
      return new InputCheck(texts + (chat ? 0 : 1), chats + (chat ? 1 : 0), refused, refusal);
    } catch (RefusedRowException e) {
      return new InputCheck(texts, chats, refused + 1, refusal.or(Refusal.of(row._2(), e)));
    }
  }

  InputCheck plus(InputCheck other) {
    return new InputCheck(
        texts + other.texts,
        chats + other.chats,
        refused + other.refused,
        refusal.or(other.refusal));
  }

  long rows() {
    return texts + chats + refused;
  }

  /** Fails with BAD_DATA where these are no prompts to mine from. */
  void require(CountOrShare limit) {
    if (rows() == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, "The input holds no row; give data with at least one.");
    }
    if (texts > 0 && chats > 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "Some prompts are text (%,d) and some are messages (%,d), and a column of Parquet has one type; mine from them apart."
              .formatted(texts, chats));
    }
    requireFew(refused, rows(), refusal, limit);
  }

  /** Fails with BAD_DATA where more rows are refused than may, with what ends that. */
  static void requireFew(long refused, long rows, Refusal refusal, CountOrShare limit) {
    if (refused > 0 && (refused == rows || !limit.allows(refused, rows))) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "%,d of %,d rows are no prompts (%s): %s%s."
              .formatted(
                  refused,
                  rows,
                  refusal.sentence(),
                  refusal.remedy(),
                  RefusedRows.orAllow(refused, rows)));
    }
  }
}
