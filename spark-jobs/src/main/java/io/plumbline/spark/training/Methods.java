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
import io.plumbline.objective.pair.PreferenceSettings.Weighting;
import io.plumbline.objective.pair.Sft.Mean;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.score.BradleyTerry;
import io.plumbline.objective.unpaired.KtoLossTypes;
import io.plumbline.objective.unpaired.KtoSettings;
import io.plumbline.objective.unpaired.UnpairedObjective;
import io.plumbline.spark.training.ObjectiveSettings.NllOn;
import io.plumbline.spark.training.ObjectiveSettings.PairWeighting;
import io.plumbline.spark.training.ObjectiveSettings.ReferenceModel;
import io.plumbline.train.Dpo;
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

  /** Whether an algorithm compares with a reference at all. */
  public static boolean hasReference(Algorithm algorithm) {
    return algorithm == Algorithm.DPO || algorithm == Algorithm.KTO;
  }

  /** Whether an algorithm with these settings reads the reference's log-probabilities. */
  public static boolean needsReference(Algorithm algorithm, ObjectiveSettings settings) {
    return hasReference(algorithm) && settings.referenceModel() == ReferenceModel.FROZEN;
  }

  /** Whether the margins of pairs change what is learned. */
  static boolean readsMargins(Algorithm algorithm, ObjectiveSettings settings) {
    return algorithm == Algorithm.REWARD
        || (algorithm == Algorithm.DPO && preference(settings).needsMargin());
  }

  /** Whether rows must carry the completion of another prompt. */
  static boolean needsMismatchedCompletions(Algorithm algorithm, ObjectiveSettings settings) {
    return algorithm == Algorithm.KTO && unpaired(settings).needsKl();
  }

  /**
   * Builds what the settings describe, to find what is wrong with them.
   *
   * @throws PlumblineException BAD_USAGE with what is wrong in a sentence
   */
  public static void check(Algorithm algorithm, ObjectiveSettings settings) {
    if (algorithm == Algorithm.REWARD) {
      onScores(settings);
    } else if (!algorithm.isOnline()) {
      onTokens(algorithm, settings, ComputeDtype.F32);
    }
  }

  static RewardModeling onScores(ObjectiveSettings settings) {
    return new RewardModeling(new BradleyTerry(settings.centerRewardsCoefficient()));
  }

  /** How far rounding alone takes two passes of the same weights apart, in nats a token. */
  static double drift(ComputeDtype computeDtype) {
    return computeDtype == ComputeDtype.BF16 ? BF16_DRIFT : F32_DRIFT;
  }

  static TokenMethod onTokens(
      Algorithm algorithm, ObjectiveSettings settings, ComputeDtype computeDtype) {
    double drift = drift(computeDtype);
    return switch (algorithm) {
      case SFT -> new Sft();
      case DPO ->
          new Dpo(
              new Dpo.Settings(
                  preference(settings),
                  settings.beta(),
                  settings.referenceModel() == ReferenceModel.FROZEN
                      ? Dpo.Reference.FROZEN
                      : Dpo.Reference.UNIFORM,
                  weighting(settings),
                  settings.ldAlpha() < 1
                      ? Optional.of(new LengthDesensitized(settings.ldAlpha()))
                      : Optional.empty(),
                  drift));
      case KTO -> new Kto(unpaired(settings), settings.beta(), drift);
      case ORPO -> orpo(settings);
      case SIMPO -> simpo(settings);
      case REWARD -> throw new IllegalArgumentException("a reward model learns from scores");
      case GRPO, PPO -> throw new IllegalArgumentException("rollouts come with their method");
    };
  }

  private static PreferenceObjective preference(ObjectiveSettings settings) {
    return LossTypes.of(
        settings.lossTypes(),
        settings.lossWeights(),
        new PreferenceSettings(
            settings.beta(),
            settings.labelSmoothing(),
            Divergence.named(settings.fDivergenceType(), settings.fAlphaDivergenceCoef()),
            settings.discopopTau(),
            settings.ldAlpha(),
            weighting(settings)));
  }

  private static Weighting weighting(ObjectiveSettings settings) {
    return settings.weighting() == PairWeighting.WPO ? Weighting.WPO : Weighting.NONE;
  }

  private static UnpairedObjective unpaired(ObjectiveSettings settings) {
    return KtoLossTypes.of(
        only(settings),
        new KtoSettings(settings.beta(), settings.desirableWeight(), settings.undesirableWeight()));
  }

  private static TokenMethod orpo(ObjectiveSettings settings) {
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

  private static TokenMethod simpo(ObjectiveSettings settings) {
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

  private static String only(ObjectiveSettings settings) {
    if (settings.lossTypes().size() != 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--loss-type names "
              + String.join(", ", settings.lossTypes())
              + ", and only dpo mixes losses: name one.");
    }
    return settings.lossTypes().get(0);
  }
}
