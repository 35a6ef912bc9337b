package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;

/**
 * Anchored preference optimisation, zero, {@code apo_zero}: D'Oosterlinck et al., "Anchored
 * Preference Optimization and Contrastive Revisions: Addressing Underspecification in Alignment"
 * (2024), equation 7. For chosen sides that are better than what the model writes: raises them and
 * lowers the rejected ones.
 *
 * <p>loss = (1 − σ(r⁺)) + σ(r⁻), where r = β·(log π(y) − log π_ref(y)). The paper leaves out the 1.
 *
 * @param beta β, over 0
 */
public record ApoZero(double beta) implements PairObjective {
  public ApoZero {
    Require.positive("beta", beta);
  }

  @Override
  public PairLoss loss(PairLogps pair) {
    double chosen = beta * pair.chosenLogRatio();
    double rejected = beta * pair.rejectedLogRatio();
    return new PairLoss(
        Logistic.sigmoid(-chosen) + Logistic.sigmoid(rejected),
        -beta * Logistic.sigmoid(chosen) * Logistic.sigmoid(-chosen),
        beta * Logistic.sigmoid(rejected) * Logistic.sigmoid(-rejected));
  }
}
