package io.plumbline.objective.rollout;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Soft adaptive policy optimisation, {@code sapo}: Gao et al., "Soft Adaptive Policy Optimization"
 * (2025). A sigmoid takes the place of the clip range: the gradient fades as the ratio w leaves 1.
 *
 * <p>loss = −A·(4/τ)·σ(τ·(w − 1)), τ by the sign of A.
 *
 * @param positive τ where A is over 0, over 0
 * @param negative τ where A is 0 or under, over 0; a greater one fades sooner
 */
public record Sapo(double positive, double negative) implements Surrogate.OfRatio {
  public Sapo {
    Require.positive("sapo_temperature_pos", positive);
    Require.positive("sapo_temperature_neg", negative);
  }

  @Override
  public LossAt at(double ratio, double advantage) {
    double temperature = advantage > 0 ? positive : negative;
    double x = temperature * (ratio - 1);
    double gate = Logistic.sigmoid(x);
    return new LossAt(
        -advantage * 4 / temperature * gate, -advantage * 4 * gate * Logistic.sigmoid(-x));
  }
}
