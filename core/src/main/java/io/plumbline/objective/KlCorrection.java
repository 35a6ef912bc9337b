package io.plumbline.objective;

/** Whether the KL term is corrected for tokens having been sampled from an older policy. */
public enum KlCorrection {
  /** Left as it is: its gradient is then not that of the KL, even on fresh samples. */
  NONE,
  /**
   * Times the importance ratio, through which the gradient goes as well: DeepSeek-AI,
   * "DeepSeek-V3.2" (2025), section 3.1 ("unbiased KL estimate"). TRL's {@code
   * use_bias_correction_kl}.
   */
  IMPORTANCE_RATIO
}
