package io.plumbline.objective.rollout;

/** Whether the KL term is corrected for tokens having been sampled from an older policy. */
public enum KlCorrection {
  /** Left as it is: only {@link KlEstimator#K2} then has the gradient of the KL. */
  NONE,
  /**
   * Times the importance ratio, through which the gradient goes as well: DeepSeek-AI,
   * "DeepSeek-V3.2" (2025), section 3.1 ("unbiased KL estimate"). TRL's {@code
   * use_bias_correction_kl}.
   */
  IMPORTANCE_RATIO
}
