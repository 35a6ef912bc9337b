package io.plumbline.objective.rollout;

/**
 * One sampled completion, token by token; log-probabilities are in nats, those of the whole
 * vocabulary at the temperature of sampling.
 *
 * @param policy log π(y_t), as long as the completion
 * @param old log π_old(y_t) of the policy that is the ratio's denominator; of length 0 where that
 *     is the policy itself, without a gradient: every ratio is exactly 1
 * @param reference log π_ref(y_t); of length 0 where there is no reference, and so no KL
 * @param advantages A_t, the same for all tokens unless steps of the completion were scored
 * @param counted 1 for the tokens that count, 0 for the others
 * @param entropies of the policy's distribution at each token, in nats
 */
public record RolloutLogps(
    float[] policy,
    float[] old,
    float[] reference,
    double[] advantages,
    byte[] counted,
    float[] entropies) {
  public RolloutLogps {
    int length = policy.length;
    if ((old.length != 0 && old.length != length)
        || (reference.length != 0 && reference.length != length)
        || advantages.length != length
        || counted.length != length
        || entropies.length != length) {
      throw new IllegalArgumentException(
          "a completion of "
              + length
              + " tokens with "
              + old.length
              + " old and "
              + reference.length
              + " reference log-probabilities, "
              + advantages.length
              + " advantages, "
              + counted.length
              + " marks and "
              + entropies.length
              + " entropies");
    }
  }

  /** Number of tokens. */
  public int length() {
    return policy.length;
  }

  /** Whether a token counts. */
  public boolean counts(int t) {
    return counted[t] != 0;
  }

  /** Number of tokens that count. */
  public int tokens() {
    int tokens = 0;
    for (byte mark : counted) {
      tokens += mark != 0 ? 1 : 0;
    }
    return tokens;
  }

  /** log π(y_t) − log π_old(y_t). */
  public double logRatio(int t) {
    return old.length == 0 ? 0 : (double) policy[t] - old[t];
  }
}
