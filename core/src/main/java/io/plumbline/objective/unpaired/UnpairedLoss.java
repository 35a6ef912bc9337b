package io.plumbline.objective.unpaired;

/**
 * The loss of one labelled completion with its derivative. The step's loss is the mean over its
 * rows.
 *
 * @param loss of this row alone, not divided by anything
 * @param byPolicy ∂loss / ∂ log π(y|x)
 */
public record UnpairedLoss(double loss, double byPolicy) {}
