package io.plumbline.objective.pair;

/**
 * The loss of one pair with its derivatives. The step's loss is the mean over its pairs.
 *
 * @param loss of this pair alone, not divided by anything
 * @param byChosen ∂loss / ∂ log π(y⁺|x)
 * @param byRejected ∂loss / ∂ log π(y⁻|x)
 * @param byPrompt ∂loss / ∂ log π(x)
 */
public record PairLoss(double loss, double byChosen, double byRejected, double byPrompt) {
  /** A loss that does not look at the prompt's tokens. */
  public PairLoss(double loss, double byChosen, double byRejected) {
    this(loss, byChosen, byRejected, 0);
  }

  /** Loss and derivatives times a factor that does not depend on the policy. */
  public PairLoss times(double factor) {
    return new PairLoss(loss * factor, byChosen * factor, byRejected * factor, byPrompt * factor);
  }

  /** The sum of two losses of the same pair. */
  public PairLoss plus(PairLoss other) {
    return new PairLoss(
        loss + other.loss,
        byChosen + other.byChosen,
        byRejected + other.byRejected,
        byPrompt + other.byPrompt);
  }
}
