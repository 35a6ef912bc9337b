package io.plumbline.objective.pair;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;

/**
 * Noise contrastive alignment for pairs, {@code nca_pair}: Chen et al., "Noise Contrastive
 * Alignment of Language Models with Explicit Rewards" (2024), section 4.1, NCA for preference data.
 *
 * <p>loss = −log σ(r⁺) − ½·log σ(−r⁺) − ½·log σ(−r⁻), where r = β·(log π(y) − log π_ref(y)). It
 * looks at each reward itself, not at their difference, so it keeps the chosen side from falling.
 *
 * @param beta β, over 0
 */
public record NcaPair(double beta) implements PairObjective {
  public NcaPair {
    Require.positive("beta", beta);
  }

  @Override
  public PairLoss loss(PairLogps pair) {
    double chosen = beta * pair.chosenLogRatio();
    double rejected = beta * pair.rejectedLogRatio();
    return new PairLoss(
        -Logistic.logSigmoid(chosen)
            - 0.5 * Logistic.logSigmoid(-chosen)
            - 0.5 * Logistic.logSigmoid(-rejected),
        beta * (0.5 * Logistic.sigmoid(chosen) - Logistic.sigmoid(-chosen)),
        beta * 0.5 * Logistic.sigmoid(rejected));
  }
}
