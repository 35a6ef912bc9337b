package io.plumbline.objective.pair;

/**
 * Length-desensitised log-probabilities of a pair's sides: Liu et al., "Length Desensitization in
 * Direct Preference Optimization" (LD-DPO, 2024); TRL's {@code ld_alpha}.
 *
 * <p>Of each side, the first l counted tokens count whole and the rest by α, where l is the number
 * of counted tokens of the shorter side: log π(y) = Σ_{t ≤ l} log π(y_t) + α·Σ_{t > l} log π(y_t).
 * Applied to policy and reference alike, before any objective that looks at sums. α = 1 changes
 * nothing, α = 0 leaves the tail out.
 *
 * @param alpha α, within 0 and 1
 */
public record LengthDesensitized(double alpha) {
  public LengthDesensitized {
    if (!(alpha >= 0 && alpha <= 1)) {
      throw new IllegalArgumentException("ld_alpha must be within 0 and 1, not " + alpha);
    }
  }

  /**
   * What each token of a side is multiplied by: in the side's log-probability, and so in the
   * derivative by that token's.
   *
   * @param counted of each token of the side 1 where it counts, else 0
   * @param shared l, counted tokens of the shorter side
   * @return 1, α or 0 a token
   */
  public float[] factors(byte[] counted, int shared) {
    float[] factors = new float[counted.length];
    int position = 0;
    for (int t = 0; t < counted.length; t++) {
      if (counted[t] != 0) {
        position++;
        factors[t] = position <= shared ? 1 : (float) alpha;
      }
    }
    return factors;
  }

  /** The side's log-probability, in nats: the sum of its tokens' times their factors. */
  public static double logp(float[] logps, float[] factors) {
    double sum = 0;
    for (int t = 0; t < logps.length; t++) {
      sum += (double) logps[t] * factors[t];
    }
    return sum;
  }
}
