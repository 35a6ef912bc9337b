package io.plumbline.spark.training.algorithm;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
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
}
