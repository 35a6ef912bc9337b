package io.plumbline.objective;

/**
 * DPO's loss with the Bradley–Terry sigmoid: Rafailov et al., "Direct Preference Optimization: Your
 * Language Model is Secretly a Reward Model" (2023), equation 7.
 *
 * <p>loss = −log σ(β·[(log π(y⁺) − log π_ref(y⁺)) − (log π(y⁻) − log π_ref(y⁻))])
 *
 * @param beta β, the strength of the pull towards the reference; over 0
 */
public record SigmoidPreference(double beta) implements PairObjective {
  public SigmoidPreference {
    if (!(beta > 0 && beta < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("beta must be over 0 and finite, not " + beta);
    }
  }

  @Override
  public PairLoss loss(PairLogps pair) {
    double margin = beta * (pair.chosenLogRatio() - pair.rejectedLogRatio());
    double slope = -beta * Logistic.sigmoid(-margin);
    return new PairLoss(-Logistic.logSigmoid(margin), slope, -slope);
  }
}
