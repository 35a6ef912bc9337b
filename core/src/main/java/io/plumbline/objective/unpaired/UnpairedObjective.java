package io.plumbline.objective.unpaired;

/** A loss on single completions that are labelled desirable or not. */
public interface UnpairedObjective {
  /**
   * @param policyLogp log π(y|x), summed over the completion's counted tokens, in nats
   * @param referenceLogp log π_ref(y|x)
   * @param kl the batch's estimate of the KL from reference to policy, in nats, 0 or more; see
   *     {@link #kl}; not differentiated. 0 where {@link #needsKl} is false.
   */
  UnpairedLoss loss(double policyLogp, double referenceLogp, Desirability desirability, double kl);

  /** Whether the KL estimate is looked at, which costs another forward pass. */
  boolean needsKl();

  /**
   * The estimate of the KL from the reference to the policy: the mean log-ratio of completions that
   * belong to other prompts of the batch, or 0 where that is negative.
   *
   * @param sumOfLogRatios of log π(y′|x) − log π_ref(y′|x) over the mismatched rows of the step's
   *     whole batch, in nats
   * @param rows how many; 0 gives 0
   */
  static double kl(double sumOfLogRatios, long rows) {
    return rows == 0 ? 0 : Math.max(0, sumOfLogRatios / rows);
  }
}
