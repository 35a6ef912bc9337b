package io.plumbline.objective.rollout;

import io.plumbline.objective.LossAt;
import io.plumbline.objective.Require;

/**
 * The clipped surrogate of {@code grpo}, {@code bnpo}, {@code dr_grpo}, {@code dapo}, {@code luspo}
 * and {@code rloo}: Schulman et al., "Proximal Policy Optimization Algorithms" (2017), equation 7,
 * which Shao et al., "DeepSeekMath" (2024), equation 3, take over.
 *
 * <p>loss = −min(min(w, δ)·A, clip(w, 1 − ε, 1 + ε_high)·A), where w is the importance ratio.
 *
 * <p>ε_high other than ε is DAPO's clip-higher (Yu et al. 2025, equation 10). δ bounds the ratio
 * where A is under 0 and it would not be otherwise: Prime Intellect, "INTELLECT-2" (2025).
 *
 * @param epsilon ε, over 0 and at most 1
 * @param epsilonHigh ε_high, over 0
 * @param delta δ, over 0; POSITIVE_INFINITY for none
 */
public record ClippedSurrogate(double epsilon, double epsilonHigh, double delta)
    implements Surrogate.OfRatio {
  public ClippedSurrogate {
    Require.positive("epsilon", epsilon);
    Require.positive("epsilon_high", epsilonHigh);
    if (!(delta > 0)) {
      throw new IllegalArgumentException("delta must be over 0, not " + delta);
    }
  }

  @Override
  public LossAt at(double ratio, double advantage) {
    if (advantage == 0) {
      return new LossAt(0, 0);
    }
    double bounded = Math.min(ratio, delta) * advantage;
    double clipped = Math.min(Math.max(ratio, 1 - epsilon), 1 + epsilonHigh) * advantage;
    double byBounded = ratio <= delta ? advantage : 0;
    double byClipped = ratio >= 1 - epsilon && ratio <= 1 + epsilonHigh ? advantage : 0;
    if (bounded < clipped) {
      return new LossAt(-bounded, -byBounded);
    }
    // Within the range both are the same; where a bound meets a clip, PyTorch takes half of each.
    double slope = clipped < bounded ? byClipped : (byBounded + byClipped) / 2;
    return new LossAt(-clipped, -slope);
  }

  @Override
  public Clip clip(double ratio, double advantage) {
    return Clip.of(Math.min(ratio, delta), 1 - epsilon, 1 + epsilonHigh, advantage);
  }
}
