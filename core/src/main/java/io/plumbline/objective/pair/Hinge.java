package io.plumbline.objective.pair;

import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Hinge loss on the reward margin, {@code hinge}: the normalised SLiC loss of Liu et al.,
 * "Statistical Rejection Sampling Improves Preference Optimization" (2023), hinge-norm, where their
 * γ is β.
 *
 * <p>loss = max(0, 1 − β·Δ), where Δ is the chosen log-ratio minus the rejected one. The slope at
 * the kink is 0, as in PyTorch. SLiC-HF itself (Zhao et al., 2023) has no reference in it: that is
 * {@link CpoHinge}.
 *
 * @param beta β, over 0; 1/β is the margin in nats from which on a pair is left alone
 * @param divergence what takes the place of the log-ratio
 */
public record Hinge(double beta, Divergence divergence) implements LogRatioObjective {
  public Hinge {
    Require.positive("beta", beta);
  }

  @Override
  public LossAt at(double difference) {
    double missing = 1 - beta * difference;
    return missing > 0 ? new LossAt(missing, -beta) : new LossAt(0, 0);
  }
}
