package io.plumbline.objective.rollout;

import io.plumbline.base.Settings;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import java.io.Serializable;

/**
 * The constants of {@link GrpoLossTypes}, under TRL's names and with TRL's defaults. A constant out
 * of its range is refused with BAD_USAGE.
 *
 * @param epsilon how far under 1 a ratio may be, within 0 (excluded) and 1
 * @param epsilonHigh how far over 1, over 0; for {@code cispo} the greatest ratio itself
 * @param delta greatest ratio where the advantage is under 0, over 1; POSITIVE_INFINITY for none
 * @param importanceSamplingLevel what a ratio is of; SEQUENCE with type {@code grpo} is GSPO
 * @param kl the KL from the reference in the loss
 * @param entropyCoef weight of the entropy bonus, 0 or more
 * @param offPolicyMaskThreshold nats a token, on average over a completion, by which the policy may
 *     have come to think less of a completion of an advantage under 0; past it nothing is learned
 *     from it (DeepSeek-V3.2's off-policy sequence masking). POSITIVE_INFINITY for none
 * @param sapo temperatures of {@code sapo}
 * @param vespo weighting of {@code vespo}
 * @param maxCompletionLength greatest length of a completion, of which {@code dr_grpo} reads its
 *     entropy bonus's scale; over 0
 */
public record GrpoSettings(
    double epsilon,
    double epsilonHigh,
    double delta,
    ImportanceSamplingLevel importanceSamplingLevel,
    Kl kl,
    double entropyCoef,
    double offPolicyMaskThreshold,
    SapoSettings sapo,
    VespoSettings vespo,
    int maxCompletionLength)
    implements Serializable {
  /**
   * @param beta its weight; 0 for none
   * @param estimator TRL has K3
   * @param correction TRL's {@code use_bias_correction_kl}
   */
  public record Kl(double beta, KlEstimator estimator, KlCorrection correction)
      implements Serializable {
    public Kl {
      Settings.notNegative("beta", beta);
    }
  }

  /**
   * @param temperaturePos where the advantage is over 0; over 0
   * @param temperatureNeg where it is 0 or under; over 0
   */
  @Heading("Loss and advantages")
  public record SapoSettings(
      @Option(
              name = "sapo-temperature-pos",
              help = "Of sapo, where the advantage is positive.",
              standard = "1.0",
              positive = true,
              follows = "loss-type")
          double temperaturePos,
      @Option(
              name = "sapo-temperature-neg",
              help = "Of sapo, where it is negative.",
              standard = "1.05",
              positive = true,
              follows = "loss-type")
          double temperatureNeg)
      implements Serializable {
    public SapoSettings {
      Settings.positive("sapo_temperature_pos", temperaturePos);
      Settings.positive("sapo_temperature_neg", temperatureNeg);
    }
  }

  /**
   * @param kPos k where the advantage is 0 or over; 0 or more, as {@code kNeg} where it is under
   * @param lambdaPos λ where the advantage is 0 or over; over 0, as {@code lambdaNeg}
   */
  @Heading("Loss and advantages")
  public record VespoSettings(
      @Option(
              name = "vespo-k-pos",
              help = "Of vespo's weighting: k, advantage positive.",
              standard = "2",
              min = 0,
              follows = "loss-type")
          double kPos,
      @Option(
              name = "vespo-lambda-pos",
              help = "Of vespo's weighting: lambda, advantage positive.",
              standard = "3",
              min = 0,
              follows = "loss-type")
          double lambdaPos,
      @Option(
              name = "vespo-k-neg",
              help = "Of vespo's weighting: k, advantage negative.",
              standard = "3",
              min = 0,
              follows = "loss-type")
          double kNeg,
      @Option(
              name = "vespo-lambda-neg",
              help = "Of vespo's weighting: lambda, advantage negative.",
              standard = "2",
              min = 0,
              follows = "loss-type")
          double lambdaNeg)
      implements Serializable {
    public VespoSettings {
      Settings.notNegative("vespo_k_pos", kPos);
      Settings.positive("vespo_lambda_pos", lambdaPos);
      Settings.notNegative("vespo_k_neg", kNeg);
      Settings.positive("vespo_lambda_neg", lambdaNeg);
    }
  }

  public GrpoSettings {
    Settings.check(epsilon > 0 && epsilon <= 1, "epsilon", "over 0 and at most 1", epsilon);
    Settings.positive("epsilon_high", epsilonHigh);
    Settings.check(delta > 1, "delta", "over 1", delta);
    Settings.notNegative("entropy_coef", entropyCoef);
    Settings.check(
        offPolicyMaskThreshold >= 0,
        "off_policy_mask_threshold",
        "0 or more",
        offPolicyMaskThreshold);
    Settings.check(maxCompletionLength > 0, "max_completion_length", "over 0", maxCompletionLength);
  }

  /** TRL's. */
  public static GrpoSettings defaults() {
    return new GrpoSettings(
        0.2,
        0.2,
        Double.POSITIVE_INFINITY,
        ImportanceSamplingLevel.TOKEN,
        new Kl(0, KlEstimator.K3, KlCorrection.IMPORTANCE_RATIO),
        0,
        Double.POSITIVE_INFINITY,
        new SapoSettings(1, 1.05),
        new VespoSettings(2, 3, 3, 2),
        512);
  }
}
