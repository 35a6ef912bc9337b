package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;

/**
 * Anchored preference optimisation, down, {@code apo_down}: D'Oosterlinck et al., "Anchored
 * Preference Optimization and Contrastive Revisions: Addressing Underspecification in Alignment"
 * (2024), equation 8. For chosen sides that are worse than what the model writes: lowers both, the
 * rejected ones more.
 *
 * <p>loss = σ(r⁺) + (1 − σ(r⁺ − r⁻)), where r = β·(log π(y) − log π_ref(y)). The paper leaves out
 * the 1.
 *
 * @param beta β, over 0
 */
public record ApoDown(double beta) implements PairObjective {
  public ApoDown {
    Require.positive("beta", beta);
  }

  @Override
  public PairLoss loss(PairLogps pair) {
    double chosen = beta * pair.chosenLogRatio();
    double margin = beta * (pair.chosenLogRatio() - pair.rejectedLogRatio());
    double bySide = beta * Logistic.sigmoid(chosen) * Logistic.sigmoid(-chosen);
    double byMargin = beta * Logistic.sigmoid(margin) * Logistic.sigmoid(-margin);
    return new PairLoss(
        Logistic.sigmoid(chosen) + Logistic.sigmoid(-margin), bySide - byMargin, byMargin);
  }
}
