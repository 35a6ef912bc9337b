package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.reference.SharedModels;
import io.plumbline.spark.reference.SparkFailures;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import io.plumbline.tensor.Torch;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.storage.StorageLevel;
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
  public static Results<Score> run(
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
    return Results.of(rows.zipWithIndex().mapPartitions(stage::run));
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
    Iterator<Score> run(Iterator<Tuple2<Map<String, Object>, Long>> rows) {
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
            Tuple2<Map<String, Object>, Long> row = rows.next();
            window.add(preparing.prepare(row._2(), row._1()));
          }
          scores.addAll(Scorer.score(lease.model(), preparing, window, tokensPerBatch));
        }
      }
      return scores.iterator();
    }
  }

  /** What a stage gives, in the order of its input; computed once. */
  public static final class Results<T> implements AutoCloseable {
    private final JavaRDD<T> values;

    private Results(JavaRDD<T> values) {
      this.values = values;
    }

    static <T> Results<T> of(JavaRDD<T> values) {
      JavaRDD<T> kept = values.persist(StorageLevel.MEMORY_AND_DISK());
      // All partitions at once: reading them one by one would leave all slots but one idle.
      SparkFailures.unwrapped(kept::count);
      SharedModels.closeIdle();
      return new Results<>(kept);
    }

    public long size() {
      return SparkFailures.unwrapped(values::count);
    }

    /** The values, fetched partition by partition. */
    public Iterator<T> iterator() {
      return SparkFailures.unwrapped(values::toLocalIterator);
    }

    @Override
    public void close() {
      values.unpersist();
    }
  }
}
