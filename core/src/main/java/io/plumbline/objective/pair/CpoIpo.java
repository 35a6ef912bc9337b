package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Identity preference optimisation without a reference, {@code ipo} of the CPO family: equation 17
 * of Azar et al., "A General Theoretical Paradigm to Understand Learning from Human Preferences"
 * (2023), on log-probabilities per token.
 *
 * <p>loss = (Δ − 1/(2β))², where Δ = log π(y⁺)/|y⁺| − log π(y⁻)/|y⁻|. The paper has a reference and
 * sums: that is {@link Ipo}. This form is TRL's.
 *
 * @param beta β, over 0
 * @param alpha AlphaPO's reward shape; 0 for none
 */
public record CpoIpo(double beta, double alpha) implements PolicyObjective {
  public CpoIpo {
    Require.positive("beta", beta);
    Require.finite("alpha", alpha);
  }

  @Override
  public Lengths lengths() {
    return Lengths.PER_TOKEN;
  }

  @Override
  public LossAt at(double difference) {
    return Ipo.squaredDistance(beta, difference);
  }
}
