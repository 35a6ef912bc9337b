package io.plumbline.objective.rollout;

import io.plumbline.objective.Require;

/**
 * Clipped importance-sampling weights, {@code cispo}: MiniMax, "MiniMax-M1" (2025), section 3.1,
 * with the upper bound alone, as Khatri et al., "The Art of Scaling Reinforcement Learning Compute
 * for LLMs" (ScaleRL, 2025), have it. No token loses its gradient, however far its ratio w.
 *
 * <p>loss = −sg(min(w, ε_max))·A·log π(y_t).
 *
 * <p>MiniMax-M1 writes the bound as 1 + ε_high; in TRL {@code epsilon_high} is the bound itself.
 *
 * @param greatest ε_max, 1 or more
 */
public record Cispo(double greatest) implements Surrogate.OfLikelihood {
  public Cispo {
    Require.positive("epsilon_high", greatest);
  }

  @Override
  public double weight(double logRatio, double advantage) {
    return Math.min(Math.exp(logRatio), greatest);
  }

  @Override
  public Clip clip(double logRatio, double advantage) {
    return Clip.of(Math.exp(logRatio), Double.NEGATIVE_INFINITY, greatest, advantage);
  }
}
