package io.plumbline.objective;

/**
 * The loss of one pair with its derivatives.
 *
 * @param loss of this pair alone, not divided by anything
 * @param byChosen ∂loss / ∂ log π(y⁺|x)
 * @param byRejected ∂loss / ∂ log π(y⁻|x)
 */
public record PairLoss(double loss, double byChosen, double byRejected) {}
