package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.Values;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.inference.Score;
import io.plumbline.spark.inference.Scorer;
import io.plumbline.spark.inference.Scoring;
import io.plumbline.spark.inference.StageModel;
import io.plumbline.spark.inference.StageResults;
import io.plumbline.storage.Storage;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.util.LongAccumulator;

/**
 * What a model says about a preference pair: sums of log-probabilities over the tokens that count.
 *
 * @param chosen in nats, at temperature 1
 * @param chosenTokens tokens in that sum
 */
record PairLogps(double chosen, double rejected, int chosenTokens, int rejectedTokens)
    implements Serializable {
  /** Rows that a task takes in at once to sort them into batches. */
  private static final int WINDOW = 512;

  /** The pair with the same sums of the reference. */
  PairTotals.Pair against(PairLogps reference) {
    return new PairTotals.Pair(
        chosen, rejected, reference.chosen, reference.rejected, chosenTokens, rejectedTokens);
  }

  /**
   * Of all rows, in their order, a Spark stage.
   *
   * @param rows as {@link Scoring#run} takes them, with {@code chosen} and {@code rejected}
   * @param directory of a model that has been checked
   * @param done counts rows
   */
  static StageResults<PairLogps> run(
      Storage storage,
      JavaRDD<Map<String, Object>> rows,
      ModelDirectory directory,
      ComputeDtype dtype,
      int tokensPerBatch,
      int threadsPerTask,
      LongAccumulator done) {
    StageModel shared = StageModel.of(storage, directory, dtype);
    return StageResults.of(
        rows,
        WINDOW,
        threadsPerTask,
        () -> {
          Scorer scorer = shared.scorer(tokensPerBatch);
          return StageResults.Answering.by(
              scorer::close, (firstPlace, taken) -> of(scorer, firstPlace, taken, done));
        });
  }

  private static List<PairLogps> of(
      Scorer scorer, long firstPlace, List<Map<String, Object>> rows, LongAccumulator done) {
    List<PairLogps> pairs = new ArrayList<>();
    for (Score score : scorer.score(rows, firstPlace)) {
      int place = pairs.size();
      pairs.add(of(score, firstPlace + place, rows.get(place)));
    }
    done.add(rows.size());
    return pairs;
  }

  private static PairLogps of(Score score, long place, Map<String, Object> row) {
    if (score instanceof Score.PairScore pair) {
      return new PairLogps(
          pair.chosenLogp(),
          pair.rejectedLogp(),
          pair.chosenLogps().length,
          pair.rejectedLogps().length);
    }
    throw new PlumblineException(
        ErrorCode.BAD_DATA,
        "Row %d of --data is no preference pair: it needs the columns chosen and rejected, and has %s; --columns says which of them is meant, as in --columns chosen=better,rejected=worse, or leave the row out."
            .formatted(place + 1, Values.columns(row)));
  }
}
