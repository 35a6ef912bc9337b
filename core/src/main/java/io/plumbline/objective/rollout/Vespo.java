package io.plumbline.objective.rollout;

import io.plumbline.objective.Require;

/**
 * Variational sequence-level soft policy optimisation, {@code vespo}: "VESPO: Variational
 * Sequence-Level Soft Policy Optimization for Stable Off-Policy LLM Training" (2026). The ratio W =
 * π(y)/π_old(y) of the whole completion weights its tokens through the density of a gamma
 * distribution, which is 1 at W = 1 and fades on both sides.
 *
 * <p>loss = −sg(φ(W))·A·log π(y_t), φ(W) = W^k·e^(λ·(1 − W)), k and λ by the sign of A.
 *
 * <p>As in TRL, log W is held within log 10⁻⁸ and 20. TRL bounds each token's part at ±20 nats as
 * well, which no sampled token reaches.
 */
public record Vespo(Shape positive, Shape negative) implements Surrogate.OfLikelihood {
  private static final double LEAST_LOG_RATIO = Math.log(1e-8);
  private static final double GREATEST_LOG_RATIO = 20;

  /**
   * @param k how fast the weight falls as W falls under 1; 0 or more
   * @param lambda λ, how fast it falls as W grows over 1; over 0
   */
  public record Shape(double k, double lambda) {
    public Shape {
      Require.notNegative("vespo_k", k);
      Require.positive("vespo_lambda", lambda);
    }
  }

  @Override
  public double weight(double logRatio, double advantage) {
    Shape shape = advantage >= 0 ? positive : negative;
    double bounded = Math.min(Math.max(logRatio, LEAST_LOG_RATIO), GREATEST_LOG_RATIO);
    double weight = Math.exp(shape.k() * bounded - shape.lambda() * Math.expm1(bounded));
    return Double.isFinite(weight) ? weight : 0;
  }
}
