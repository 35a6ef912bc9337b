package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.ScoreModel;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.storage.Storage;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;

/** Scores a table, a Spark stage behind the command {@code score}. */
public final class Scoring {
  /** Rows that a task takes in at once to sort them into batches. */
  private static final int WINDOW = 512;

  private Scoring() {}

  /**
   * Log-probabilities of all rows, or their scores by a reward model, in their order.
   *
   * @param rows values by column, as JSON has them; the shapes are those of {@link Scorer#score}.
   *     The maps and all in them must be serializable.
   * @param model seen by all executors
   * @param tokensPerBatch token budget of one forward pass
   * @param threadsPerTask threads that PyTorch uses in a task
   * @return the scores; the driver holds one partition of them at a time
   */
  public static StageResults<Score> run(
      Storage storage,
      JavaRDD<Map<String, Object>> rows,
      ModelDirectory model,
      ComputeDtype dtype,
      int tokensPerBatch,
      int threadsPerTask,
      ProgressListener listener) {
    RowJudge.check(model);
    ModelTokenizer.check(model, listener::note);
    StageModel shared = StageModel.of(storage, model, dtype);
    return StageResults.of(
        rows,
        WINDOW,
        threadsPerTask,
        () -> {
          Scorer scorer = shared.scorer(tokensPerBatch);
          return StageResults.Answering.by(
              scorer::close, (firstPlace, taken) -> scorer.score(taken, firstPlace));
        },
        "score",
        listener);
  }

  /** Fails where a directory holds no model that scores, by the headers of its files. */
  public static void checkHeaders(ModelDirectory directory) {
    if (directory.kind() == ModelDirectory.Kind.REWARD_MODEL) {
      ScoreModel.check(directory);
    } else {
      CausalLm.check(directory);
    }
  }
}
