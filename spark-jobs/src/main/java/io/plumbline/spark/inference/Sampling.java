package io.plumbline.spark.inference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.spark.api.java.JavaRDD;

/** Completes the prompts of a table, a Spark stage behind the command {@code generate}. */
public final class Sampling {
  private static final String STAGE = "generate";

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
    Set<Integer> eosIds = eosIds(model, listener);
    StageModel shared = StageModel.of(storage, model, dtype);
    return StageResults.of(
        rows,
        WINDOW,
        threadsPerTask,
        () -> {
          Sampler sampler = shared.sampler(eosIds);
          return StageResults.Answering.by(
              sampler::close, (firstPlace, taken) -> sampler.sample(taken, firstPlace, settings));
        },
        STAGE,
        listener);
  }

  /**
   * Completions as the lines that {@link CompletionTable#write} takes.
   *
   * @param kept where tasks leave what they finish, and an earlier run of the same request has
   * @param request with what decides completions besides rows and model
   */
  public static KeptStage.Lines lines(
      KeptStage.Input rows,
      KeptLines kept,
      ObjectNode request,
      ModelDirectory model,
      ComputeDtype dtype,
      DecodingSettings settings,
      int threadsPerTask,
      ProgressListener listener) {
    Set<Integer> eosIds = eosIds(model, listener);
    StageModel shared = StageModel.of(kept.storage(), model, dtype);
    return KeptStage.run(
        rows,
        kept,
        request.deepCopy().put("model_fingerprint", shared.fingerprint()),
        new KeptStage.Work(
            WINDOW,
            threadsPerTask,
            () -> {
              Sampler sampler = shared.sampler(eosIds);
              return StageResults.Answering.by(
                  sampler::close,
                  (firstPlace, taken) -> sampler.lines(taken, firstPlace, settings));
            }),
        STAGE,
        listener);
  }

  /** Checks model and tokenizer; the tokens that end a completion. */
  private static Set<Integer> eosIds(ModelDirectory model, ProgressListener listener) {
    CausalLm.check(model);
    model.requireFinite();
    try (Tokenizer tokenizer = Tokenizer.of(model.tokenizerFiles())) {
      ModelTokenizer.check(model, tokenizer, listener::note);
      return new TreeSet<>(Sampler.eosIds(model, tokenizer));
    }
  }
}
