package io.plumbline.reward;

import io.plumbline.objective.rollout.KlEstimator;

/**
 * The rewards of a completion by place, for a critic: Stiennon et al., "Learning to summarize from
 * human feedback" (2020), section 3.4, and Ziegler et al. (2019), equation 2.
 *
 * <p>Each token is charged with β times its KL from the reference. The score of the whole comes at
 * the end: where the completion ended by itself, at the state behind its last token, which the
 * critic values too (as in TRL); where it was cut off, at its last token.
 *
 * @param estimator of the KL: TRL's {@code kl_estimator}, k1 or k3
 * @param coefficient β, TRL's {@code kl_coef}
 */
public record TokenRewards(KlEstimator estimator, double coefficient) {
  /** Whether a completion ended by itself. */
  public enum End {
    ENDED,
    CUT_OFF
  }

  /**
   * Rewards by place: as many as there are tokens, and one more where the completion ended.
   *
   * @param logps log π(y_t), by token
   * @param reference log π_ref(y_t); of length 0 where there is no reference
   * @param steps what each token earns besides, such as the rewards of steps that end there; of
   *     length 0 for nothing
   * @param score of the whole completion
   */
  public double[] of(float[] logps, float[] reference, double[] steps, double score, End end) {
    double[] rewards = new double[end == End.ENDED ? logps.length + 1 : logps.length];
    for (int t = 0; t < logps.length; t++) {
      if (reference.length > 0) {
        rewards[t] -= coefficient * estimator.at((double) reference[t] - logps[t]).loss();
      }
      if (steps.length > 0) {
        rewards[t] += steps[t];
      }
    }
    rewards[rewards.length - 1] += score;
    return rewards;
  }
}
