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
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;
import scala.Tuple2;

/** Completes the prompts of a table, a Spark stage behind the command {@code generate}. */
public final class Sampling {
  /** Rows that a task takes in at once to sort them into batches. */
  private static final int WINDOW = 256;

  private Sampling() {}

  /**
   * A completion for each row, in their order.
   *
   * @param rows values by column, as {@link Sampler#sample} takes them; the maps and all in them
   *     must be serializable
   * @param model Hugging Face directory, seen by all executors
   * @param threadsPerTask threads that PyTorch uses in a task
   */
  public static StageResults<Sample> run(
      Storage storage,
      JavaRDD<Map<String, Object>> rows,
      String model,
      ComputeDtype dtype,
      DecodingSettings settings,
      int threadsPerTask) {
    ModelDirectory directory = ModelDirectory.open(storage, model);
    TreeSet<Integer> eosIds;
    try (Tokenizer tokenizer = Tokenizer.of(directory.tokenizerFiles())) {
      eosIds = new TreeSet<>(Sampler.eosIds(directory, tokenizer));
    }
    Stage stage =
        new Stage(
            storage,
            model,
            directory.fingerprint(),
            directory.tokenizerFiles(),
            eosIds,
            dtype,
            settings,
            threadsPerTask);
    return StageResults.of(InputRows.spread(rows), stage::run);
  }

  private record Stage(
      Storage storage,
      String model,
      String fingerprint,
      TokenizerFiles tokenizerFiles,
      TreeSet<Integer> eosIds,
      ComputeDtype dtype,
      DecodingSettings settings,
      int threads)
      implements Serializable {
    Iterator<Sample> run(Iterator<Tuple2<Long, Map<String, Object>>> rows) {
      List<Sample> samples = new ArrayList<>();
      if (!rows.hasNext()) {
        return samples.iterator();
      }
      Torch.useThreads(threads);
      try (Tokenizer tokenizer = Tokenizer.of(tokenizerFiles);
          SharedModels.Lease lease = SharedModels.acquire(storage, model, fingerprint, dtype);
          Sampler sampler = Sampler.over(lease.model(), tokenizer, eosIds)) {
        while (rows.hasNext()) {
          List<Map<String, Object>> window = new ArrayList<>();
          long firstPlace = -1;
          while (rows.hasNext() && window.size() < WINDOW) {
            Tuple2<Long, Map<String, Object>> row = rows.next();
            firstPlace = window.isEmpty() ? row._1() : firstPlace;
            window.add(row._2());
          }
          samples.addAll(sampler.sample(window, firstPlace, settings));
        }
      }
      return samples.iterator();
    }
  }
}
