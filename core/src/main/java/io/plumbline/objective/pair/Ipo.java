package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Identity preference optimisation: Azar et al., "A General Theoretical Paradigm to Understand
 * Learning from Human Preferences" (2023), equation 17, where their τ is β.
 *
 * <p>loss = (Δ − 1/(2β))², where Δ is the chosen log-ratio minus the rejected one: it pulls the
 * margin to 1/(2β) and no further.
 *
 * <p>The paper has log-ratios of whole sequences. TRL's {@code ipo} divides each by its length
 * first ({@link Lengths#PER_TOKEN}), which its authors report to be what the paper's results were
 * made with; the formula as printed ({@link Lengths#SUMMED}) is {@code ipo_sum} here and was TRL's
 * up to 0.24. 1/(2β) is nats per token in the one and nats in the other.
 *
 * @param beta β, over 0
 * @param lengths which of the two forms
 * @param divergence what takes the place of the log-ratio, before any division by the length
 */
public record Ipo(double beta, Lengths lengths, Divergence divergence)
    implements LogRatioObjective {
  public Ipo {
    Require.positive("beta", beta);
  }

  @Override
  public LossAt at(double difference) {
    return squaredDistance(beta, difference);
  }

  /** (Δ − 1/(2β))². */
  static LossAt squaredDistance(double beta, double difference) {
    double distance = difference - 1 / (2 * beta);
    return new LossAt(distance * distance, 2 * distance);
  }
}
