package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * The preference part of contrastive preference optimisation, {@code sigmoid} of the CPO family: Xu
 * et al., "Contrastive Preference Optimization: Pushing the Boundaries of LLM Performance in
 * Machine Translation" (2024), equation 3: DPO with a uniform reference.
 *
 * <p>loss = −(1−ε)·log σ(β·Δ) − ε·log σ(−β·Δ), where Δ = log π(y⁺) − log π(y⁻), sums over tokens.
 * The paper has ε = 0 and adds the chosen side's negative log-likelihood as a sequence; TRL adds it
 * per token ({@link Sft}), with weight {@code cpo_alpha}.
 *
 * @param beta β, over 0
 * @param labelSmoothing ε, within 0 and 0.5
 * @param alpha AlphaPO's reward shape; 0 for none
 */
public record CpoSigmoid(double beta, double labelSmoothing, double alpha)
    implements PolicyObjective {
  public CpoSigmoid {
    Require.positive("beta", beta);
    Require.labelSmoothing(labelSmoothing);
    Require.finite("alpha", alpha);
  }

  @Override
  public Lengths lengths() {
    return Lengths.SUMMED;
  }

  @Override
  public LossAt at(double difference) {
    return LossAt.logistic(beta * difference, labelSmoothing).ofScaled(beta);
  }
}
