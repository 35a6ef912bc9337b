package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Provably robust DPO, {@code robust}: Chowdhury et al., "Provably Robust DPO: Aligning Language
 * Models with Noisy Feedback" (2024), section 3.1.
 *
 * <p>loss = [−(1−ε)·log σ(β·Δ) + ε·log σ(−β·Δ)] / (1 − 2ε), where Δ is the chosen log-ratio minus
 * the rejected one. Its mean over labels that are flipped with probability ε is DPO's loss on the
 * true ones. It can be negative, without bound.
 *
 * @param beta β, over 0
 * @param labelSmoothing ε, the probability that a label is flipped: 0 or more, under 0.5
 * @param divergence what takes the place of the log-ratio
 */
public record Robust(double beta, double labelSmoothing, Divergence divergence)
    implements LogRatioObjective {
  public Robust {
    Require.positive("beta", beta);
    if (!(labelSmoothing >= 0 && labelSmoothing < 0.5)) {
      throw new IllegalArgumentException(
          "label smoothing must be 0 or more and under 0.5, not " + labelSmoothing);
    }
  }

  @Override
  public LossAt at(double difference) {
    double margin = beta * difference;
    double kept = 1 - labelSmoothing;
    double loss =
        -kept * Logistic.logSigmoid(margin) + labelSmoothing * Logistic.logSigmoid(-margin);
    double slope = -kept * Logistic.sigmoid(-margin) - labelSmoothing * Logistic.sigmoid(margin);
    return new LossAt(loss, beta * slope).times(1 / (1 - 2 * labelSmoothing));
  }
}
