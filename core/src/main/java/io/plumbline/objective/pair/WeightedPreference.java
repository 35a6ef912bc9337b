package io.plumbline.objective.pair;

/**
 * Weights of pairs by how likely the policy is to write them: Zhou et al., "WPO: Enhancing RLHF
 * with Weighted Preference Optimization" (2024), equation 2, with sampled alignment; TRL's {@code
 * use_weighting}.
 *
 * <p>The weight of a side is exp(mean over its counted tokens of log π(y_t) − log Σ_v π(v)²), and
 * that of a pair the product of its sides'. A token that the policy samples has a mean weight of 1.
 * The pair's loss and derivatives are multiplied by it ({@link PairLoss#times}); it is not
 * differentiated itself.
 */
public final class WeightedPreference {
  private WeightedPreference() {}

  /**
   * The weight of one side, over 0.
   *
   * @param logps of each completion token, in nats
   * @param logSumsOfSquares log Σ_v π(v)² at each token
   * @param counted of each token 1 where it counts, else 0
   */
  public static double weight(float[] logps, float[] logSumsOfSquares, byte[] counted) {
    double sum = 0;
    int tokens = 0;
    for (int t = 0; t < logps.length; t++) {
      if (counted[t] != 0) {
        sum += (double) logps[t] - logSumsOfSquares[t];
        tokens++;
      }
    }
    return Math.exp(sum / Math.max(tokens, 1));
  }
}
