package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;

/** Completes the prompts of a table, a Spark stage behind the command {@code generate}. */
public final class Sampling {
  /** Rows that a task takes in at once to sort them into batches. */
  private static final int WINDOW = 256;

  private Sampling() {}

  /**
   * Completions of each row, in their order.
   *
   * @param rows values by column, as {@link Sampler#sample} takes them; the maps and all in them
   *     must be serializable
   * @param model seen by all executors
   * @param threadsPerTask threads that PyTorch uses in a task
   */
  public static StageResults<Sample> run(
      Storage storage,
      JavaRDD<Map<String, Object>> rows,
      ModelDirectory model,
      ComputeDtype dtype,
      DecodingSettings settings,
      int threadsPerTask,
      ProgressListener listener) {
    return run(storage, rows, model, dtype, settings, threadsPerTask, listener, Sampler::sample);
  }

  /** Completions as the lines that {@link CompletionTable#write} takes. */
  public static StageResults<String> lines(
      Storage storage,
      JavaRDD<Map<String, Object>> rows,
      ModelDirectory model,
      ComputeDtype dtype,
      DecodingSettings settings,
      int threadsPerTask,
      ProgressListener listener) {
    return run(storage, rows, model, dtype, settings, threadsPerTask, listener, Sampler::lines);
  }

  private static <T> StageResults<T> run(
      Storage storage,
      JavaRDD<Map<String, Object>> rows,
      ModelDirectory model,
      ComputeDtype dtype,
      DecodingSettings settings,
      int threadsPerTask,
      ProgressListener listener,
      Form<T> form) {
    CausalLm.check(model);
    model.requireFinite();
    TreeSet<Integer> eosIds;
    try (Tokenizer tokenizer = Tokenizer.of(model.tokenizerFiles())) {
      ModelTokenizer.check(model, tokenizer, listener::note);
      eosIds = new TreeSet<>(Sampler.eosIds(model, tokenizer));
    }
    StageModel shared = StageModel.of(storage, model, dtype);
    return StageResults.of(
        rows,
        WINDOW,
        threadsPerTask,
        () -> {
          Sampler sampler = shared.sampler(eosIds);
          return StageResults.Answering.by(
              sampler::close, (firstPlace, taken) -> form.of(sampler, taken, firstPlace, settings));
        },
        "generate",
        listener);
  }

  /** What is made of rows, the first of which has this place in the input. */
  private interface Form<T> extends Serializable {
    List<T> of(
        Sampler sampler,
        List<Map<String, Object>> rows,
        long firstPlace,
        DecodingSettings settings);
  }
}
