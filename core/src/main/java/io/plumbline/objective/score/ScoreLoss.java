package io.plumbline.objective.score;

/**
 * The loss of one pair of scores with its derivatives. The step's loss is the mean over its pairs.
 *
 * @param loss of this pair alone, not divided by anything
 * @param byChosen ∂loss / ∂r⁺
 * @param byRejected ∂loss / ∂r⁻
 */
public record ScoreLoss(double loss, double byChosen, double byRejected) {}
