package io.plumbline.objective.rollout;

/** What an importance ratio is of (TRL's {@code importance_sampling_level}). */
public enum ImportanceSamplingLevel {
  /** Each token: π(y_t) / π_old(y_t). */
  TOKEN,
  /**
   * The completion, the geometric mean over its tokens: (π(y) / π_old(y))^(1/|y|). Zheng et al.,
   * "Group Sequence Policy Optimization" (2025), equation 7.
   */
  SEQUENCE
}
