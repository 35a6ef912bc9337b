package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;

/**
 * Binary classifier optimisation on pairs, {@code bco_pair}: Jung et al., "Binary Classifier
 * Optimization for Large Language Model Alignment" (2024), section 4.
 *
 * <p>loss = −log σ(r⁺ − δ) − log σ(−(r⁻ − δ)), where r = β·(log π(y) − log π_ref(y)).
 *
 * <p>The paper's δ is the mean of the rewards of both sides: {@link BcoPairShifted}. TRL 1.16 has δ
 * = 0, and so has {@code bco_pair}.
 *
 * @param beta β, over 0
 * @param shift δ, in units of reward; not differentiated
 */
public record BcoPair(double beta, double shift) implements PairObjective {
  public BcoPair {
    Require.positive("beta", beta);
    Require.finite("shift", shift);
  }

  @Override
  public PairLoss loss(PairLogps pair) {
    double chosen = beta * pair.chosenLogRatio() - shift;
    double rejected = beta * pair.rejectedLogRatio() - shift;
    return new PairLoss(
        -Logistic.logSigmoid(chosen) - Logistic.logSigmoid(-rejected),
        -beta * Logistic.sigmoid(-chosen),
        beta * Logistic.sigmoid(rejected));
  }
}
