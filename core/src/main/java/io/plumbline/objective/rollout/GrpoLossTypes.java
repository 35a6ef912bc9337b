package io.plumbline.objective.rollout;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Registry;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * The loss types of sampled completions, by TRL's names ({@code loss_type} of its GRPO trainer) and
 * {@code rloo}, the loss of its RLOO trainer. Each is {@link PolicyGradient} with a {@link
 * Surrogate} and its way to sum:
 *
 * <ul>
 *   <li>{@code grpo}: a mean over each completion's tokens, then over completions; Shao et al.,
 *       "DeepSeekMath" (2024), equation 3.
 *   <li>{@code dapo}: a mean over all tokens of the batch; Yu et al., "DAPO" (2025), equation 8.
 *   <li>{@code bnpo}: the same. TRL takes it over one process's micro-batch, here it is over the
 *       step's whole batch, and so is {@code dapo}'s.
 *   <li>{@code dr_grpo}: a sum over tokens, divided by a constant; Liu et al., "Understanding
 *       R1-Zero-Like Training" (2025). The paper's constant is arbitrary, TRL's the greatest
 *       length.
 *   <li>{@code cispo}, {@code vespo}: {@link Cispo}, {@link Vespo}, a mean over all tokens.
 *   <li>{@code sapo}: {@link Sapo}, summed as {@code grpo}.
 *   <li>{@code luspo}: a sum over each completion's tokens, a mean over completions;
 *       "Length-Unbiased Sequence Policy Optimization" (2026), which takes the ratio of the
 *       sequence: set importance_sampling_level.
 *   <li>{@code rloo}: the ratio of the whole completion, the product over its tokens, and one loss
 *       a completion; Ahmadian et al., "Back to Basics: Revisiting REINFORCE-Style Optimization for
 *       Learning from Human Feedback in LLMs" (2024). The paper has neither ratio nor clip; both
 *       are 1 and idle in the first update.
 * </ul>
 */
public final class GrpoLossTypes {
  /** What a type reads beyond what all do. */
  private enum Option {
    BETA,
    EPSILON,
    EPSILON_HIGH,
    DELTA,
    SEQUENCE_RATIO,
    SAPO,
    VESPO
  }

  private record Type(
      Function<GrpoSettings, Surrogate> surrogate,
      PolicyGradient.Weighing weighing,
      RolloutObjective.Normalization normalization,
      Set<Option> options) {}

  private static final Set<Option> OF_CLIPPED =
      EnumSet.of(
          Option.BETA, Option.EPSILON, Option.EPSILON_HIGH, Option.DELTA, Option.SEQUENCE_RATIO);

  private static final Registry<Type> TYPES =
      new Registry<Type>("loss type")
          .with("dapo", clipped(PolicyGradient.Weighing.SUM, RolloutObjective.Normalization.TOKENS))
          .with(
              "grpo",
              clipped(PolicyGradient.Weighing.MEAN, RolloutObjective.Normalization.SEQUENCES))
          .with("bnpo", clipped(PolicyGradient.Weighing.SUM, RolloutObjective.Normalization.TOKENS))
          .with(
              "dr_grpo",
              clipped(
                  PolicyGradient.Weighing.SUM,
                  RolloutObjective.Normalization.SEQUENCES_TIMES_MAX_LENGTH))
          .with(
              "luspo",
              clipped(PolicyGradient.Weighing.SUM, RolloutObjective.Normalization.SEQUENCES))
          .with(
              "cispo",
              new Type(
                  GrpoLossTypes::cispo,
                  PolicyGradient.Weighing.SUM,
                  RolloutObjective.Normalization.TOKENS,
                  EnumSet.of(Option.BETA, Option.EPSILON_HIGH, Option.SEQUENCE_RATIO)))
          .with(
              "sapo",
              new Type(
                  s -> new Sapo(s.sapo().temperaturePos(), s.sapo().temperatureNeg()),
                  PolicyGradient.Weighing.MEAN,
                  RolloutObjective.Normalization.SEQUENCES,
                  EnumSet.of(Option.BETA, Option.SAPO, Option.SEQUENCE_RATIO)))
          .with(
              "vespo",
              new Type(
                  GrpoLossTypes::vespo,
                  PolicyGradient.Weighing.SUM,
                  RolloutObjective.Normalization.TOKENS,
                  EnumSet.of(Option.BETA, Option.VESPO)))
          .with(
              "rloo",
              new Type(
                  GrpoLossTypes::clippedSurrogate,
                  PolicyGradient.Weighing.MEAN,
                  RolloutObjective.Normalization.SEQUENCES,
                  EnumSet.of(Option.EPSILON, Option.EPSILON_HIGH, Option.DELTA)));

  private GrpoLossTypes() {}

  /** All names, the default first. */
  public static List<String> names() {
    return TYPES.names();
  }

  /** The objective of a type; fails with BAD_USAGE where the name or a setting does not fit. */
  public static RolloutObjective of(String name, GrpoSettings settings) {
    Type type = TYPES.named(name);
    refuseUnfit(name, settings);
    return new PolicyGradient(
        type.surrogate().apply(settings),
        type.options().contains(Option.SEQUENCE_RATIO)
            ? PolicyGradient.RatioOf.level(settings.importanceSamplingLevel())
            : PolicyGradient.RatioOf.SUM,
        type.weighing(),
        type.normalization(),
        settings);
  }

  private static void refuseUnfit(String name, GrpoSettings settings) {
    GrpoSettings idle = GrpoSettings.defaults();
    if (settings.kl().beta() > 0 && !takes(name, Option.BETA)) {
      throw refused(
          "The loss type "
              + name
              + " takes the KL from the reference in the reward, not in the loss: leave beta at 0"
              + " in the loss, or use one of "
              + taking(Option.BETA)
              + ".");
    }
    refuseUnless(name, Option.EPSILON, "epsilon", settings.epsilon() == idle.epsilon());
    refuseUnless(
        name, Option.EPSILON_HIGH, "epsilon_high", settings.epsilonHigh() == idle.epsilonHigh());
    refuseUnless(name, Option.DELTA, "delta", settings.delta() == idle.delta());
    refuseUnless(
        name,
        Option.SEQUENCE_RATIO,
        "importance_sampling_level sequence",
        settings.importanceSamplingLevel() == ImportanceSamplingLevel.TOKEN);
    refuseUnless(name, Option.SAPO, "sapo_temperature", settings.sapo().equals(idle.sapo()));
    refuseUnless(
        name, Option.VESPO, "vespo_k or vespo_lambda", settings.vespo().equals(idle.vespo()));
  }

  private static void refuseUnless(String name, Option option, String setting, boolean idle) {
    if (!idle && !takes(name, option)) {
      throw refused(
          setting
              + " does nothing for the loss type "
              + name
              + ": leave it out, or use one of "
              + taking(option)
              + ".");
    }
  }

  private static boolean takes(String name, Option option) {
    return TYPES.named(name).options().contains(option);
  }

  private static String taking(Option option) {
    return String.join(", ", names().stream().filter(name -> takes(name, option)).toList());
  }

  private static Type clipped(
      PolicyGradient.Weighing weighing, RolloutObjective.Normalization normalization) {
    return new Type(GrpoLossTypes::clippedSurrogate, weighing, normalization, OF_CLIPPED);
  }

  private static Surrogate clippedSurrogate(GrpoSettings settings) {
    return new ClippedSurrogate(settings.epsilon(), settings.epsilonHigh(), settings.delta());
  }

  /** TRL's default of 0.2 would weigh every token of a fresh sample by 0.2. */
  private static Surrogate cispo(GrpoSettings settings) {
    if (settings.epsilonHigh() < 1) {
      throw refused(
          "For the loss type cispo epsilon_high is the greatest ratio itself and must be 1 or more,"
              + " and "
              + settings.epsilonHigh()
              + " was given: set it, to 5 as ScaleRL does.");
    }
    return new Cispo(settings.epsilonHigh());
  }

  private static Surrogate vespo(GrpoSettings settings) {
    return new Vespo(
        new Vespo.Shape(settings.vespo().kPos(), settings.vespo().lambdaPos()),
        new Vespo.Shape(settings.vespo().kNeg(), settings.vespo().lambdaNeg()));
  }

  private static PlumblineException refused(String sentence) {
    return new PlumblineException(ErrorCode.BAD_USAGE, sentence);
  }
}
