package io.plumbline.spark.training.algorithm;

import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.AdapterConfig.Task;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
import io.plumbline.model.LoraSettings;
import io.plumbline.model.ScoreModel;

/** What a command wants of a model. */
public enum ModelUse {
  /** Log-probabilities. */
  LANGUAGE_MODEL,
  /** Hidden states, for a scalar head. */
  DECODER,
  TOKENIZER;

  /** Fails with BAD_CHECKPOINT where a model is not fit for this; reads headers only. */
  public void check(ModelDirectory model) {
    switch (this) {
      case LANGUAGE_MODEL -> CausalLm.check(model);
      case DECODER -> ScoreModel.checkStart(model);
      case TOKENIZER -> {}
    }
  }

  /**
   * Fails where a new adapter names modules that a model has not.
   *
   * @return the number of parameters that are trained
   */
  public long check(ModelDirectory model, LoraSettings lora) {
    return switch (this) {
      case LANGUAGE_MODEL -> CausalLm.check(model, lora.config(Task.CAUSAL_LM));
      case DECODER -> ScoreModel.check(model, lora.config(Task.SEQ_CLS));
      case TOKENIZER -> 0;
    };
  }

  /** Fails with BAD_CHECKPOINT where an adapter does not fit a model. */
  public void check(ModelDirectory model, Adapter adapter) {
    switch (this) {
      case LANGUAGE_MODEL -> CausalLm.check(model, adapter);
      case DECODER -> ScoreModel.check(model, adapter);
      case TOKENIZER -> {}
    }
  }
}
