package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * DPO on log-ratios per token, {@code sigmoid_norm}: "length-normalised DPO" of Lambert et al.,
 * "Tülu 3: Pushing Frontiers in Open Language Model Post-Training" (2024), section 5, after Meng et
 * al.'s SimPO.
 *
 * <p>loss = −(1−ε)·log σ(β·Δ) − ε·log σ(−β·Δ), where Δ = s(y⁺)/|y⁺| − s(y⁻)/|y⁻| and s is the
 * log-ratio of a side. The paper and TRL have ε = 0. β is wanted larger than in DPO, by about the
 * length of a completion.
 *
 * @param beta β, over 0
 * @param labelSmoothing ε, within 0 and 0.5
 * @param divergence what takes the place of the log-ratio, before the division by the length
 */
public record SigmoidNorm(double beta, double labelSmoothing, Divergence divergence)
    implements LogRatioObjective {
  public SigmoidNorm {
    Require.positive("beta", beta);
    Require.labelSmoothing(labelSmoothing);
  }

  @Override
  public Lengths lengths() {
    return Lengths.PER_TOKEN;
  }

  @Override
  public LossAt at(double difference) {
    return LossAt.logistic(beta * difference, labelSmoothing).ofScaled(beta);
  }
}
