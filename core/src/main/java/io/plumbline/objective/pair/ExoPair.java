package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Efficient exact optimisation for pairs, {@code exo_pair}: Ji et al., "Towards Efficient Exact
 * Optimization of Language Model Alignment" (2024), equation 16. The reverse KL from the policy's
 * distribution over the two sides to the labels', which label smoothing keeps off 0.
 *
 * <p>loss = q·(log q − log(1−ε)) + (1−q)·(log(1−q) − log ε), where q = σ(β·Δ) and Δ is the chosen
 * log-ratio minus the rejected one. Its minimum, 0, is at q = 1−ε.
 *
 * @param beta the paper's β_π, over 0
 * @param labelSmoothing ε, over 0 and at most 0.5; the paper takes 0.001
 * @param divergence what takes the place of the log-ratio
 */
public record ExoPair(double beta, double labelSmoothing, Divergence divergence)
    implements LogRatioObjective {
  public ExoPair {
    Require.positive("beta", beta);
    Require.labelSmoothing(Require.positive("label smoothing", labelSmoothing));
  }

  @Override
  public LossAt at(double difference) {
    double margin = beta * difference;
    double chosen = Logistic.sigmoid(margin);
    double rejected = Logistic.sigmoid(-margin);
    double labelChosen = Math.log1p(-labelSmoothing);
    double labelRejected = Math.log(labelSmoothing);
    return new LossAt(
        chosen * (Logistic.logSigmoid(margin) - labelChosen)
            + rejected * (Logistic.logSigmoid(-margin) - labelRejected),
        beta * chosen * rejected * (margin - labelChosen + labelRejected));
  }
}
