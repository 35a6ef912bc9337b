package io.plumbline.objective.score;

import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;

/**
 * The loss of a reward model on a pair of its scores: Bradley and Terry, "Rank Analysis of
 * Incomplete Block Designs" (1952); Ouyang et al., "Training language models to follow instructions
 * with human feedback" (2022), equation 1.
 *
 * <p>loss = −log σ(r⁺ − r⁻ − m) + η·(r⁺ + r⁻)².
 *
 * <p>m is the pair's margin (Touvron et al., "Llama 2", 2023, equation 2). The second term keeps
 * scores near a mean of 0, which the first leaves free (Eisenstein et al., "Helping or Herding?",
 * 2023). Ouyang et al. average over all pairs of one prompt first; here as in TRL pairs count
 * alike.
 *
 * @param centering η, TRL's {@code center_rewards_coefficient}, 0 or more; 0 for none
 */
public record BradleyTerry(double centering) {
  public BradleyTerry {
    Require.notNegative("the centering coefficient", centering);
  }

  /**
   * @param chosen r⁺, the score of the chosen side
   * @param rejected r⁻
   * @param margin m, in units of score; NaN where the pair has none, which counts as 0
   */
  public ScoreLoss loss(double chosen, double rejected, double margin) {
    double difference = chosen - rejected - (Double.isNaN(margin) ? 0 : margin);
    double sum = chosen + rejected;
    double slope = -Logistic.sigmoid(-difference);
    double pull = 2 * centering * sum;
    return new ScoreLoss(
        -Logistic.logSigmoid(difference) + centering * sum * sum, slope + pull, -slope + pull);
  }

  /** The probability that the chosen side is preferred: σ(r⁺ − r⁻), without margin. */
  public static double preferenceProbability(double chosen, double rejected) {
    return Logistic.sigmoid(chosen - rejected);
  }
}
