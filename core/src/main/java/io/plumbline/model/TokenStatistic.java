package io.plumbline.model;

/**
 * What a forward pass can report of each counted token besides its log-probability. The
 * distribution at a token is the softmax of its logits over the pass's temperature.
 */
public enum TokenStatistic {
  /** Entropy of the distribution at the token, in nats. */
  ENTROPY,
  /** Whether the token is the most probable one. */
  ACCURACY,
  /** The mean of the token's logits, as the model gives them, over the vocabulary. */
  MEAN_LOGIT,
  /** log Σ_v p(v)² of the distribution at the token: how sure the model is of anything. */
  LOG_SUM_OF_SQUARES,
  /** Log-probabilities of the prompt's own tokens too; these can take gradients. */
  PROMPT_LOGPS
}
