package io.plumbline.objective.unpaired;

import io.plumbline.objective.Require;

/**
 * Anchored preference optimisation, zero, on single completions, {@code apo_zero_unpaired}: each
 * side of equation 7 of D'Oosterlinck et al., "Anchored Preference Optimization and Contrastive
 * Revisions" (2024), by itself. It is {@link Kto} with a KL of 0, and needs no second forward pass.
 *
 * <p>loss = λ_D·(1 − σ(β·ρ)) for a desirable completion and λ_U·σ(β·ρ) for an undesirable one,
 * where ρ = log π(y|x) − log π_ref(y|x), in nats. The weights are TRL's, the paper has none.
 *
 * @param beta β, over 0
 * @param desirableWeight λ_D, 0 or more
 * @param undesirableWeight λ_U, 0 or more
 */
public record ApoZeroUnpaired(double beta, double desirableWeight, double undesirableWeight)
    implements UnpairedObjective {
  public ApoZeroUnpaired {
    Require.positive("beta", beta);
    Require.notNegative("desirable weight", desirableWeight);
    Require.notNegative("undesirable weight", undesirableWeight);
  }

  @Override
  public boolean needsKl() {
    return false;
  }

  @Override
  public UnpairedLoss loss(
      double policyLogp, double referenceLogp, Desirability desirability, double kl) {
    return new Kto(beta, desirableWeight, undesirableWeight)
        .loss(policyLogp, referenceLogp, desirability, 0);
  }
}
