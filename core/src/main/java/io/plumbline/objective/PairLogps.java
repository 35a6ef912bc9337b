package io.plumbline.objective;

/**
 * What a preference objective may look at for one pair: sequence log-probabilities (sums over the
 * completion's tokens, in nats) under the policy and the reference, and the completions' lengths.
 */
public record PairLogps(
    double policyChosen,
    double policyRejected,
    double referenceChosen,
    double referenceRejected,
    int chosenTokens,
    int rejectedTokens) {

  /** log π(y⁺|x) − log π_ref(y⁺|x). */
  public double chosenLogRatio() {
    return policyChosen - referenceChosen;
  }

  /** log π(y⁻|x) − log π_ref(y⁻|x). */
  public double rejectedLogRatio() {
    return policyRejected - referenceRejected;
  }
}
