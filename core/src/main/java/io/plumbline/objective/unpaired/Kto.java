package io.plumbline.objective.unpaired;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;

/**
 * Kahneman–Tversky optimisation, {@code kto}: Ethayarajh et al., "KTO: Model Alignment as Prospect
 * Theoretic Optimization" (2024), equations 7 and 8.
 *
 * <p>loss = λ_D·(1 − σ(β·(ρ − z))) for a desirable completion and λ_U·(1 − σ(β·(z − ρ))) for an
 * undesirable one, where ρ = log π(y|x) − log π_ref(y|x) and z is the KL estimate, both in nats.
 *
 * <p>z comes from completions paired with other prompts of the batch ({@link
 * UnpairedObjective#kl}); TRL takes it over one process's rows and averages over processes, here it
 * is over the step's whole batch. The paper writes λ_y − v; the constant is the same.
 *
 * @param beta β, over 0
 * @param desirableWeight λ_D, 0 or more
 * @param undesirableWeight λ_U, 0 or more; the paper advises λ_D·n_D / (λ_U·n_U) within 1 and 1.5
 *     for n_D desirable and n_U undesirable rows
 */
public record Kto(double beta, double desirableWeight, double undesirableWeight)
    implements UnpairedObjective {
  public Kto {
    Require.positive("beta", beta);
    Require.notNegative("desirable weight", desirableWeight);
    Require.notNegative("undesirable weight", undesirableWeight);
  }

  @Override
  public boolean needsKl() {
    return true;
  }

  @Override
  public UnpairedLoss loss(
      double policyLogp, double referenceLogp, Desirability desirability, double kl) {
    double reward = beta * (policyLogp - referenceLogp - kl);
    double slope = beta * Logistic.sigmoid(reward) * Logistic.sigmoid(-reward);
    return switch (desirability) {
      case DESIRABLE ->
          new UnpairedLoss(desirableWeight * Logistic.sigmoid(-reward), -desirableWeight * slope);
      case UNDESIRABLE ->
          new UnpairedLoss(undesirableWeight * Logistic.sigmoid(reward), undesirableWeight * slope);
    };
  }
}
