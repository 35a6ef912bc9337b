package io.plumbline.objective.pair;

import io.plumbline.objective.Lengths;
import io.plumbline.objective.LossAt;

/**
 * A loss f(Δ) of how much more the policy has moved towards the chosen side than towards the
 * rejected one: Δ = s(log-ratio of y⁺)/n⁺ − s(log-ratio of y⁻)/n⁻, where s is the {@link
 * #divergence}'s score and n the length or 1, by {@link #lengths}. An implementation says f and f′;
 * the derivatives by the sides' log-probabilities follow by the chain rule.
 */
public interface LogRatioObjective extends PairObjective {
  /** f and f′ at Δ, in nats (a token). */
  LossAt at(double difference);

  Divergence divergence();

  default Lengths lengths() {
    return Lengths.SUMMED;
  }

  @Override
  default PairLoss loss(PairLogps pair) {
    double chosenDivisor = lengths().divisor(pair.chosenTokens());
    double rejectedDivisor = lengths().divisor(pair.rejectedTokens());
    LossAt at =
        at(
            divergence().score(pair.chosenLogRatio()) / chosenDivisor
                - divergence().score(pair.rejectedLogRatio()) / rejectedDivisor);
    return new PairLoss(
        at.loss(),
        at.slope() * divergence().slope(pair.chosenLogRatio()) / chosenDivisor,
        -at.slope() * divergence().slope(pair.rejectedLogRatio()) / rejectedDivisor);
  }
}
