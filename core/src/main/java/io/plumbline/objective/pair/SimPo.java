package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Simple preference optimisation, {@code simpo}: Meng et al., "SimPO: Simple Preference
 * Optimization with a Reference-Free Reward" (2024), equation 6; with α other than 0 AlphaPO (Gupta
 * et al., "AlphaPO: Reward Shape Matters for LLM Alignment", 2025).
 *
 * <p>loss = −(1−ε)·log σ(β·Δ − γ) − ε·log σ(−(β·Δ − γ)), where Δ = r(log π(y⁺)/|y⁺|) − r(log
 * π(y⁻)/|y⁻|), log-probabilities per token. The paper has ε = 0 and no other term; TRL's CPO
 * trainer adds {@link Sft} unless {@code cpo_alpha} is 0.
 *
 * @param beta β, over 0; the papers take 2 to 10
 * @param gamma γ, the margin of reward that is asked for ({@code simpo_gamma})
 * @param labelSmoothing ε, within 0 and 0.5
 * @param alpha AlphaPO's reward shape; 0 for SimPO itself
 */
public record SimPo(double beta, double gamma, double labelSmoothing, double alpha)
    implements PolicyObjective {
  public SimPo {
    Require.positive("beta", beta);
    Require.finite("gamma", gamma);
    Require.labelSmoothing(labelSmoothing);
    Require.finite("alpha", alpha);
  }

  @Override
  public Lengths lengths() {
    return Lengths.PER_TOKEN;
  }

  @Override
  public LossAt at(double difference) {
    return LossAt.logistic(beta * difference - gamma, labelSmoothing).ofScaled(beta);
  }
}
