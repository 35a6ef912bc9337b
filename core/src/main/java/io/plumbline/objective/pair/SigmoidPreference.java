package io.plumbline.objective.pair;

import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * DPO's loss with the Bradley–Terry sigmoid, {@code sigmoid}: Rafailov et al., "Direct Preference
 * Optimization: Your Language Model is Secretly a Reward Model" (2023), equation 7.
 *
 * <p>loss = −(1−ε)·log σ(β·Δ) − ε·log σ(−β·Δ), where Δ = (log π(y⁺) − log π_ref(y⁺)) − (log π(y⁻) −
 * log π_ref(y⁻)), the paper's at ε = 0.
 *
 * <p>ε is the share of labels taken to be wrong: conservative DPO (Mitchell, "A note on DPO with
 * noisy preferences", 2023). TRL had it up to 0.24; TRL 1.16 ignores {@code label_smoothing} here.
 *
 * @param beta β, the strength of the pull towards the reference; over 0
 * @param labelSmoothing ε, within 0 and 0.5
 * @param divergence what takes the place of the log-ratio; {@link Divergence.ReverseKl} in DPO
 */
public record SigmoidPreference(double beta, double labelSmoothing, Divergence divergence)
    implements LogRatioObjective {
  public SigmoidPreference {
    Require.positive("beta", beta);
    Require.labelSmoothing(labelSmoothing);
  }

  @Override
  public LossAt at(double difference) {
    return LossAt.logistic(beta * difference, labelSmoothing).ofScaled(beta);
  }
}
