package io.plumbline.objective.rollout;

import io.plumbline.objective.LossAt;

/**
 * Estimates of KL(π ‖ π_ref) from one sampled token: Schulman, "Approximating KL Divergence"
 * (2020). With d = log π_ref(y_t) − log π(y_t); TRL's loss has only {@link #K3}.
 */
public enum KlEstimator {
  /**
   * −d. Unbiased, but in the loss its gradient is 0 on average unless {@link
   * KlCorrection#IMPORTANCE_RATIO} corrects it.
   */
  K1 {
    @Override
    public LossAt at(double d) {
      return new LossAt(-d, -1);
    }
  },
  /** d²/2. Biased; its gradient is that of the KL on fresh samples. */
  K2 {
    @Override
    public LossAt at(double d) {
      return new LossAt(d * d / 2, d);
    }
  },
  /** e^d − d − 1. Unbiased and never under 0: DeepSeekMath (Shao et al. 2024), equation 4. */
  K3 {
    @Override
    public LossAt at(double d) {
      return new LossAt(Math.expm1(d) - d, Math.expm1(d));
    }
  };

  /** The estimate, in nats, and its derivative by {@code d}. */
  public abstract LossAt at(double d);
}
