package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.reference.SharedModels;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Torch;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import scala.Tuple2;

/** Scores a table, a Spark stage behind the command {@code score}. */
public final class Scoring {
  /** Rows that a task takes in at once to sort them into batches. */
  private static final int WINDOW = 512;

  private Scoring() {}

  /**
   * Log-probabilities of all rows, in their order.
   *
   * @param rows values by column, as JSON has them; the shapes are those of {@link Scorer#score}.
   *     The maps and all in them must be serializable.
   * @param model Hugging Face directory, seen by all executors
   * @param tokensPerBatch token budget of one forward pass
   * @param threadsPerTask threads that PyTorch uses in a task
   * @return the scores; the driver holds one partition of them at a time
   */
  public static StageResults<Score> run(
      Storage storage,
      JavaRDD<Map<String, Object>> rows,
      String model,
      ComputeDtype dtype,
      int tokensPerBatch,
      int threadsPerTask) {
    ModelDirectory directory = ModelDirectory.open(storage, model);
    Stage stage =
        new Stage(
            storage,
            model,
            directory.fingerprint(),
            directory.tokenizerFiles(),
            dtype,
            tokensPerBatch,
            threadsPerTask);
    return StageResults.of(InputRows.spread(rows), stage::run);
  }

  private record Stage(
      Storage storage,
      String model,
      String fingerprint,
      TokenizerFiles tokenizerFiles,
      ComputeDtype dtype,
      int tokensPerBatch,
      int threads)
      implements Serializable {
    Iterator<Score> run(Iterator<Tuple2<Long, Map<String, Object>>> rows) {
      List<Score> scores = new ArrayList<>();
      if (!rows.hasNext()) {
        return scores.iterator();
      }
      Torch.useThreads(threads);
      try (Tokenizer tokenizer = Tokenizer.of(tokenizerFiles);
          SharedModels.Lease lease = SharedModels.acquire(storage, model, fingerprint, dtype)) {
        ScoringRows preparing = new ScoringRows(tokenizer);
        while (rows.hasNext()) {
          List<ScoringRows.Prepared> window = new ArrayList<>();
          while (rows.hasNext() && window.size() < WINDOW) {
            Tuple2<Long, Map<String, Object>> row = rows.next();
            window.add(preparing.prepare(row._1(), row._2()));
          }
          scores.addAll(Scorer.score(lease.model(), preparing, window, tokensPerBatch));
        }
      }
      return scores.iterator();
    }
  }
}
