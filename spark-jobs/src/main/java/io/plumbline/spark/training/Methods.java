package io.plumbline.spark.training;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.objective.pair.CpoLossTypes;
import io.plumbline.objective.pair.CpoSettings;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.objective.pair.LengthDesensitized;
import io.plumbline.objective.pair.LossTypes;
import io.plumbline.objective.pair.OddsRatio;
import io.plumbline.objective.pair.PairObjective;
import io.plumbline.objective.pair.PreferenceObjective;
import io.plumbline.objective.pair.PreferenceSettings;
import io.plumbline.objective.pair.Sft.Mean;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.score.BradleyTerry;
import io.plumbline.objective.unpaired.KtoLossTypes;
import io.plumbline.objective.unpaired.KtoSettings;
import io.plumbline.objective.unpaired.UnpairedObjective;
import io.plumbline.spark.training.AlgorithmSettings.NllOn;
import io.plumbline.train.Dpo;
import io.plumbline.train.Dpo.Reference;
import io.plumbline.train.Kto;
import io.plumbline.train.ReferenceFree;
import io.plumbline.train.RewardModeling;
import io.plumbline.train.Sft;
import io.plumbline.train.TokenMethod;
import java.util.List;
import java.util.Optional;

/** What each algorithm's settings make. */
public final class Methods {
  /** Rounding alone keeps below these, in nats a token on average. */
  private static final double F32_DRIFT = 1e-4;

  private static final double BF16_DRIFT = 5e-2;

  private Methods() {}

  /** The losses that an algorithm's {@code --loss-type} takes. */
  public static List<String> lossTypes(Algorithm algorithm) {
    return switch (algorithm) {
      case SFT, REWARD, ORPO, PPO -> List.of();
      case DPO -> LossTypes.names();
      case KTO -> KtoLossTypes.names();
      case SIMPO -> CpoLossTypes.names();
      case GRPO -> GrpoLossTypes.names();
    };
  }

  /** Whether an algorithm with these settings reads the reference's log-probabilities. */
  public static boolean needsReference(AlgorithmSettings settings) {
    return settings instanceof AlgorithmSettings.Kto
        || (settings instanceof AlgorithmSettings.Dpo dpo && dpo.reference() == Reference.FROZEN);
  }

  /** Whether the margins of pairs change what is learned. */
  static boolean readsMargins(AlgorithmSettings settings) {
    return settings instanceof AlgorithmSettings.Reward
        || (settings instanceof AlgorithmSettings.Dpo dpo && preference(dpo).needsMargin());
  }

  /** Whether rows must carry the completion of another prompt. */
  static boolean needsMismatchedCompletions(AlgorithmSettings settings) {
    return settings instanceof AlgorithmSettings.Kto kto && unpaired(kto).needsKl();
  }

  /**
   * Builds what the settings describe, to find what is wrong with them.
   *
   * @throws PlumblineException BAD_USAGE with what is wrong in a sentence
   */
  public static void check(AlgorithmSettings settings) {
    if (settings instanceof AlgorithmSettings.Reward reward) {
      onScores(reward);
    } else if (!settings.algorithm().isOnline()) {
      onTokens(settings, ComputeDtype.F32);
    }
  }

  static RewardModeling onScores(AlgorithmSettings.Reward settings) {
    return new RewardModeling(new BradleyTerry(settings.centerRewardsCoefficient()));
  }

  /** How far rounding alone takes two passes of the same weights apart, in nats a token. */
  static double drift(ComputeDtype computeDtype) {
    return computeDtype == ComputeDtype.BF16 ? BF16_DRIFT : F32_DRIFT;
  }

  static TokenMethod onTokens(AlgorithmSettings settings, ComputeDtype computeDtype) {
    double drift = drift(computeDtype);
    if (settings instanceof AlgorithmSettings.Sft) {
      return new Sft();
    }
    if (settings instanceof AlgorithmSettings.Dpo dpo) {
      return new Dpo(
          new Dpo.Settings(
              preference(dpo),
              dpo.beta(),
              dpo.reference(),
              dpo.weighting(),
              dpo.ldAlpha() < 1
                  ? Optional.of(new LengthDesensitized(dpo.ldAlpha()))
                  : Optional.empty(),
              drift));
    }
    if (settings instanceof AlgorithmSettings.Kto kto) {
      return new Kto(unpaired(kto), kto.beta(), drift);
    }
    if (settings instanceof AlgorithmSettings.Orpo orpo) {
      return orpo(orpo);
    }
    if (settings instanceof AlgorithmSettings.Simpo simpo) {
      return simpo(simpo);
    }
    throw new IllegalArgumentException(
        settings.algorithm() + " learns from scores, or from rollouts that come with their method");
  }

  private static PreferenceObjective preference(AlgorithmSettings.Dpo settings) {
    return LossTypes.of(
        settings.lossType(),
        settings.lossWeights(),
        new PreferenceSettings(
            settings.beta(),
            settings.labelSmoothing(),
            Divergence.named(settings.fDivergenceType(), settings.fAlphaDivergenceCoef()),
            settings.discopopTau(),
            settings.ldAlpha(),
            settings.weighting()));
  }

  private static UnpairedObjective unpaired(AlgorithmSettings.Kto settings) {
    return KtoLossTypes.of(
        only(settings),
        new KtoSettings(settings.beta(), settings.desirableWeight(), settings.undesirableWeight()));
  }

  private static TokenMethod orpo(AlgorithmSettings.Orpo settings) {
    boolean all = settings.nllOn() == NllOn.ALL;
    Mean mean = all ? Mean.OVER_TOKENS : Mean.OVER_PAIRS;
    PreferenceObjective objective = OddsRatio.withLikelihood(settings.beta(), mean);
    return new ReferenceFree(
        new ReferenceFree.Settings(
            "orpo",
            (PairObjective) objective,
            settings.beta(),
            ReferenceFree.SequenceLogp.MEAN,
            all ? ReferenceFree.PromptTokens.LEARNED : ReferenceFree.PromptTokens.LEFT_OUT,
            ReferenceFree.Odds.SHOWN,
            0));
  }

  private static TokenMethod simpo(AlgorithmSettings.Simpo settings) {
    String name = only(settings);
    PreferenceObjective objective =
        CpoLossTypes.of(
            name,
            new CpoSettings(
                settings.beta(),
                settings.labelSmoothing(),
                settings.simpoGamma(),
                settings.alpha(),
                settings.cpoAlpha()));
    return new ReferenceFree(
        new ReferenceFree.Settings(
            "simpo",
            (PairObjective) objective,
            settings.beta(),
            name.equals("sigmoid") || name.equals("hinge")
                ? ReferenceFree.SequenceLogp.SUM
                : ReferenceFree.SequenceLogp.MEAN,
            ReferenceFree.PromptTokens.LEFT_OUT,
            ReferenceFree.Odds.HIDDEN,
            settings.alpha()));
  }

  private static String only(AlgorithmSettings settings) {
    if (settings.losses().size() != 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--loss-type names "
              + String.join(", ", settings.losses())
              + ", and only dpo mixes losses: name one.");
    }
    return settings.losses().get(0);
  }
}
