package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * Sequence likelihood calibration, {@code hinge} of the CPO family: Zhao et al., "SLiC-HF: Sequence
 * Likelihood Calibration with Human Feedback" (2023), section 2, the calibration term.
 *
 * <p>loss = max(0, 1 − β·Δ), where Δ = log π(y⁺) − log π(y⁻), sums over tokens. The paper writes
 * max(0, δ − Δ): δ = 1/β, and the loss is β times the paper's. The slope at the kink is 0.
 *
 * @param beta β, over 0
 * @param alpha AlphaPO's reward shape; 0 for none
 */
public record CpoHinge(double beta, double alpha) implements PolicyObjective {
  public CpoHinge {
    Require.positive("beta", beta);
    Require.finite("alpha", alpha);
  }

  @Override
  public Lengths lengths() {
    return Lengths.SUMMED;
  }

  @Override
  public LossAt at(double difference) {
    double missing = 1 - beta * difference;
    return missing > 0 ? new LossAt(missing, -beta) : new LossAt(0, 0);
  }
}
