package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * The log-ratio modulated loss that a language model found, {@code discopop}: Lu et al.,
 * "Discovering Preference Optimization Algorithms with and for Large Language Models" (2024),
 * equation 5.
 *
 * <p>loss = (1 − m)·(−log σ(x)) + m·e⁻ˣ with m = σ(x/τ), where x = β·Δ and Δ is the chosen
 * log-ratio minus the rejected one.
 *
 * <p>For τ under 1 every value is finite: where x falls, m falls faster than e⁻ˣ grows. (Computed
 * in the formula's order that is 0·∞, so it is taken as e^(−x + log m) here.) For τ over 1 the loss
 * explodes, to infinity where −x·(1 − 1/τ) passes 709.
 *
 * @param beta β, over 0
 * @param tau τ, over 0; 0.05 in the paper
 * @param divergence what takes the place of the log-ratio
 */
public record DiscoPop(double beta, double tau, Divergence divergence)
    implements LogRatioObjective {
  public DiscoPop {
    Require.positive("beta", beta);
    Require.positive("tau", tau);
  }

  @Override
  public LossAt at(double difference) {
    double x = beta * difference;
    double modulation = Logistic.sigmoid(x / tau);
    double rest = Logistic.sigmoid(-x / tau);
    double logistic = -Logistic.logSigmoid(x);
    double modulatedExponential = Math.exp(-x + Logistic.logSigmoid(x / tau));
    return new LossAt(
        rest * logistic + modulatedExponential,
        beta
            * (-Logistic.sigmoid(-x) * rest
                - modulatedExponential
                + (modulatedExponential - logistic * modulation) * rest / tau));
  }
}
