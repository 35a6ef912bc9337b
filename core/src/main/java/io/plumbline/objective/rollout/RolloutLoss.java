package io.plumbline.objective.rollout;

/**
 * The loss of one sampled completion with its derivatives. The step's loss is their sum over its
 * whole batch, divided by what {@link RolloutObjective#normalization} says.
 *
 * @param loss of this completion alone, not divided by anything of the batch
 * @param byLogp ∂loss / ∂ log π(y_t), as long as the completion; 0 where a token does not count
 * @param byEntropy ∂loss / ∂ entropy of each token; of length 0 without an entropy bonus
 */
public record RolloutLoss(double loss, float[] byLogp, float[] byEntropy, Statistics statistics) {
  /**
   * Sums over the tokens that count. Where a ratio is of a whole sequence, each of its tokens is
   * clipped if the sequence is; TRL counts sequences there.
   *
   * @param kl what the objective takes for the KL from the reference, in nats; with the correction
   *     where there is one
   * @param clippedLow tokens of an advantage under 0 whose ratio is under the clip range
   * @param clippedHigh tokens of an advantage over 0 whose ratio is over the clip range
   */
  public record Statistics(double kl, double clippedLow, double clippedHigh) {}
}
