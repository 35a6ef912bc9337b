package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;

/**
 * A loss f(Δ) of how much more probable the chosen side is to the policy than the rejected one,
 * without a reference: Δ = r(log π(y⁺)/n⁺) − r(log π(y⁻)/n⁻), where n is the length or 1, by {@link
 * #lengths}.
 *
 * <p>r is AlphaPO's reward shape (Gupta et al., "AlphaPO: Reward Shape Matters for LLM Alignment",
 * 2025): r(u) = (1 − e^−αu) / α, and r(u) = u at α = 0. With α over 0 it explodes for improbable
 * sides: infinite where αu is under −709.
 */
public interface PolicyObjective extends PairObjective {
  /** f and f′ at Δ, in nats (a token). */
  LossAt at(double difference);

  /** AlphaPO's α; 0 leaves log-probabilities as they are. */
  double alpha();

  Lengths lengths();

  @Override
  default boolean needsReference() {
    return false;
  }

  @Override
  default PairLoss loss(PairLogps pair) {
    double chosenDivisor = lengths().divisor(pair.chosenTokens());
    double rejectedDivisor = lengths().divisor(pair.rejectedTokens());
    double chosen = pair.policyChosen() / chosenDivisor;
    double rejected = pair.policyRejected() / rejectedDivisor;
    LossAt at = at(shaped(chosen) - shaped(rejected));
    return new PairLoss(
        at.loss(),
        at.slope() * slope(chosen) / chosenDivisor,
        -at.slope() * slope(rejected) / rejectedDivisor);
  }

  /**
   * r(u) for a side's log-probability, summed or per token as {@link #lengths} says. β·r(u) is the
   * implicit reward that TRL's metrics show.
   */
  default double shaped(double logp) {
    return shape(logp, alpha());
  }

  /** r(u) with a given α. */
  static double shape(double logp, double alpha) {
    return alpha == 0 ? logp : -Math.expm1(-alpha * logp) / alpha;
  }

  private double slope(double logp) {
    return alpha() == 0 ? 1 : Math.exp(-alpha() * logp);
  }
}
