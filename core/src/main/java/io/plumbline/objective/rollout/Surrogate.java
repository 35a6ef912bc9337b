package io.plumbline.objective.rollout;

import io.plumbline.objective.LossAt;

/**
 * What a policy gradient makes of one token before the KL term, the masks and the sums: a loss
 * whose derivative is that of −A·log π(y_t), times a factor that depends on how far the policy has
 * moved.
 */
public interface Surrogate {
  /** How the ratio lies to the clip range. */
  enum Clip {
    NONE,
    /** Under it, with an advantage under 0. */
    LOW,
    /** Over it, with an advantage over 0. */
    HIGH;

    static Clip of(double ratio, double low, double high, double advantage) {
      if (ratio < low && advantage < 0) {
        return LOW;
      }
      return ratio > high && advantage > 0 ? HIGH : NONE;
    }
  }

  /**
   * @param byLogRatio derivative by the logarithm of the ratio
   * @param byLogp derivative by log π(y_t) with the ratio held
   */
  record Term(double loss, double byLogRatio, double byLogp, Clip clip) {}

  /**
   * @param logRatio logarithm of the importance ratio, of the token or of its completion
   * @param logp log π(y_t)
   * @param advantage A
   */
  Term at(double logRatio, double logp, double advantage);

  /** A loss of the ratio and the advantage alone: a ratio of a completion has one advantage. */
  interface OfRatio extends Surrogate {
    @Override
    default Term at(double logRatio, double logp, double advantage) {
      double ratio = Math.exp(logRatio);
      LossAt at = at(ratio, advantage);
      // A slope of 0 stays 0 where the ratio overflows.
      double byLogRatio = at.slope() == 0 ? 0 : at.slope() * ratio;
      return new Term(at.loss(), byLogRatio, 0, clip(ratio, advantage));
    }

    /** The loss and its derivative by the ratio. */
    LossAt at(double ratio, double advantage);

    default Clip clip(double ratio, double advantage) {
      return Clip.NONE;
    }
  }

  /** −w·A·log π(y_t), where w is of the ratio and taken as a constant. */
  interface OfLikelihood extends Surrogate {
    @Override
    default Term at(double logRatio, double logp, double advantage) {
      double byLogp = -weight(logRatio, advantage) * advantage;
      return new Term(byLogp * logp, 0, byLogp, clip(logRatio, advantage));
    }

    /** w. */
    double weight(double logRatio, double advantage);

    default Clip clip(double logRatio, double advantage) {
      return Clip.NONE;
    }
  }
}
