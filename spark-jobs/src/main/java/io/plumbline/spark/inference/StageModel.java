package io.plumbline.spark.inference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.Kind;
import io.plumbline.model.CausalLm;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.io.Serializable;
import java.util.Set;

/**
 * A model as the tasks of a stage open it: its weights once a process, shared by all of its tasks.
 *
 * @param path seen by all executors
 * @param fingerprint of the weights, which tells one model from another under the same path
 */
public record StageModel(
    Storage storage,
    String path,
    Kind kind,
    String fingerprint,
    TokenizerFiles tokenizerFiles,
    ComputeDtype dtype)
    implements Serializable {

  /** A model that has been checked; reads its weights for the fingerprint. */
  public static StageModel of(Storage storage, ModelDirectory directory, ComputeDtype dtype) {
    return new StageModel(
        storage,
        directory.path(),
        directory.kind(),
        directory.fingerprint(),
        directory.tokenizerFiles(),
        dtype);
  }

  public Tokenizer tokenizer() {
    return Tokenizer.of(tokenizerFiles);
  }

  /** The language model, until the lease is closed. */
  public SharedModels.Lease<CausalLm> lease() {
    return SharedModels.LANGUAGE_MODELS.acquire(storage, path, fingerprint, dtype);
  }

  /**
   * Completes prompts.
   *
   * @param eosIds tokens that end a completion
   */
  public Sampler sampler(Set<Integer> eosIds) {
    return Sampler.sharing(this, eosIds);
  }

  /**
   * Scores rows.
   *
   * @param tokensPerBatch token budget of one forward pass
   */
  public Scorer scorer(int tokensPerBatch) {
    return Scorer.open(tokenizer(), kind, () -> RowJudge.sharing(this), tokensPerBatch);
  }
}
