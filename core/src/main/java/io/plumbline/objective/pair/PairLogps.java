package io.plumbline.objective.pair;

/**
 * What a preference objective may look at for one pair. Sequence log-probabilities are sums over
 * the completion's counted tokens, in nats.
 *
 * @param policyChosen log π(y⁺|x)
 * @param policyRejected log π(y⁻|x)
 * @param referenceChosen log π_ref(y⁺|x); 0 without a reference
 * @param referenceRejected log π_ref(y⁻|x); 0 without a reference
 * @param chosenTokens |y⁺|, tokens that count
 * @param rejectedTokens |y⁻|
 * @param policyPrompt log π(x), where the prompt's own tokens count; else 0
 * @param promptTokens tokens of the prompt that count; else 0
 * @param meanChosenTokens the mean of {@code chosenTokens + promptTokens} over the pairs of the
 *     step's whole batch: a sum over a pair's tokens divided by it, averaged over pairs, is the
 *     mean over all tokens of the batch
 * @param margin by how much the chosen side is better, in units of reward; NaN where not known
 */
public record PairLogps(
    double policyChosen,
    double policyRejected,
    double referenceChosen,
    double referenceRejected,
    int chosenTokens,
    int rejectedTokens,
    double policyPrompt,
    int promptTokens,
    double meanChosenTokens,
    double margin) {

  /** log π(y⁺|x) − log π_ref(y⁺|x). */
  public double chosenLogRatio() {
    return policyChosen - referenceChosen;
  }

  /** log π(y⁻|x) − log π_ref(y⁻|x). */
  public double rejectedLogRatio() {
    return policyRejected - referenceRejected;
  }
}
