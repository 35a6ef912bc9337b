package io.plumbline.objective.pair;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Logistic;
import io.plumbline.objective.Require;

/**
 * Self-play preference optimisation: Wu et al., "Self-Play Preference Optimization for Language
 * Model Alignment" (2024), equation 4.7, where their η is 1/β.
 *
 * <p>loss = (ρ⁺ − (P − ½)/β)² + (ρ⁻ − (½ − P)/β)², where ρ is a side's log-ratio and P the
 * probability that the chosen side is better.
 *
 * <p>The paper estimates P by a preference model. TRL's {@code sppo_hard} takes P = 1 ({@link
 * Preference#CERTAIN}). {@code sppo} is the paper's soft form with P = σ(margin of the row) ({@link
 * Preference#BY_MARGIN}), the Bradley–Terry probability of a margin given in units of reward.
 *
 * @param beta β, over 0
 * @param preference where P comes from
 */
public record Sppo(double beta, Preference preference) implements PairObjective {
  /** Where the probability that the chosen side is better comes from. */
  public enum Preference {
    /** It is 1. */
    CERTAIN,
    /** It is σ of the pair's margin. */
    BY_MARGIN
  }

  public Sppo {
    Require.positive("beta", beta);
  }

  @Override
  public boolean needsMargin() {
    return preference == Preference.BY_MARGIN;
  }

  /** Fails with BAD_DATA where P comes by the margin and the pair has none. */
  @Override
  public PairLoss loss(PairLogps pair) {
    double target = (probability(pair) - 0.5) / beta;
    double chosen = pair.chosenLogRatio() - target;
    double rejected = pair.rejectedLogRatio() + target;
    return new PairLoss(chosen * chosen + rejected * rejected, 2 * chosen, 2 * rejected);
  }

  private double probability(PairLogps pair) {
    if (preference == Preference.CERTAIN) {
      return 1;
    }
    if (Double.isNaN(pair.margin())) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "The loss type sppo takes the probability of a preference from the pair's margin, and a"
              + " pair has none: give every row a margin, or use sppo_hard.");
    }
    return Logistic.sigmoid(pair.margin());
  }
}
