package io.plumbline.objective.rollout;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.Registry;
import io.plumbline.objective.rollout.PolicyGradient.RatioOf;
import io.plumbline.objective.rollout.PolicyGradient.Weighing;
import io.plumbline.objective.rollout.RolloutObjective.Normalization;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
  /** The name of the loss that is taken where none is named. */
  public static final String STANDARD = "dapo";

  private static final String RLOO = "rloo";

  /** The weight of the KL in the loss; {@code rloo} has it in the reward alone. */
  private static final String BETA = "beta";

  private static final String EPSILON = "epsilon";
  private static final String EPSILON_HIGH = "epsilon-high";
  private static final String DELTA = "delta";
  private static final String LEVEL = "importance-sampling-level";
  private static final String SAPO = "sapo-temperature-pos";
  private static final String VESPO = "vespo-k-pos";

  private static final Set<String> OF_CLIPPED = Set.of(BETA, EPSILON, EPSILON_HIGH, DELTA, LEVEL);

  private static final Registry<GrpoSettings, RolloutObjective> TYPES =
      new Registry<GrpoSettings, RolloutObjective>("loss type")
          .with(STANDARD, GrpoLossTypes::clippedOverTokens, OF_CLIPPED)
          .with(
              "grpo",
              s -> byLevel(clipped(s), Weighing.MEAN, Normalization.SEQUENCES, s),
              OF_CLIPPED)
          .with("bnpo", GrpoLossTypes::clippedOverTokens, OF_CLIPPED)
          .with(
              "dr_grpo",
              s -> byLevel(clipped(s), Weighing.SUM, Normalization.SEQUENCES_TIMES_MAX_LENGTH, s),
              OF_CLIPPED)
          .with(
              "luspo",
              s -> byLevel(clipped(s), Weighing.SUM, Normalization.SEQUENCES, s),
              OF_CLIPPED)
          .with(
              "cispo",
              s -> byLevel(cispo(s), Weighing.SUM, Normalization.TOKENS, s),
              Set.of(BETA, EPSILON_HIGH, LEVEL))
          .with(
              "sapo",
              s -> byLevel(sapo(s), Weighing.MEAN, Normalization.SEQUENCES, s),
              Set.of(BETA, LEVEL, SAPO, "sapo-temperature-neg"))
          .with(
              "vespo",
              s -> new PolicyGradient(vespo(s), RatioOf.SUM, Weighing.SUM, Normalization.TOKENS, s),
              Set.of(BETA, VESPO, "vespo-lambda-pos", "vespo-k-neg", "vespo-lambda-neg"))
          .with(
              RLOO,
              s ->
                  new PolicyGradient(
                      clipped(s), RatioOf.SUM, Weighing.MEAN, Normalization.SEQUENCES, s),
              Set.of(EPSILON, EPSILON_HIGH, DELTA));

  private GrpoLossTypes() {}

  /** All of them, and what each reads. */
  public static Registry<?, ?> all() {
    return TYPES;
  }

  /** All names, the default first. */
  public static List<String> names() {
    return TYPES.names();
  }

  /**
   * Texts of options that have another standard value beside some types: where the KL is charged,
   * and how a group's rewards become advantages.
   */
  public static Map<String, String> standardOptions(String name) {
    return name.equals(RLOO)
        ? Map.of("kl-in", "reward", "scale-rewards", "none", "advantage-baseline", "leave_one_out")
        : Map.of("kl-in", "loss", "scale-rewards", "group", "advantage-baseline", "group_mean");
  }

  /** The objective of a type; fails with BAD_USAGE where the name or a setting does not fit. */
  public static RolloutObjective of(String name, GrpoSettings settings) {
    TYPES.require(name);
    refuseUnfit(name, settings);
    return TYPES.of(name, settings);
  }

  /** The clipped loss of PPO, a mean over the batch's tokens. */
  public static RolloutObjective clippedOverTokens(GrpoSettings settings) {
    return byLevel(clipped(settings), Weighing.SUM, Normalization.TOKENS, settings);
  }

  private static void refuseUnfit(String name, GrpoSettings settings) {
    GrpoSettings idle = GrpoSettings.defaults();
    if (settings.kl().beta() > 0 && !TYPES.reads(name, BETA)) {
      throw refused(
          "The loss type "
              + name
              + " takes the KL from the reference in the reward, not in the loss: leave beta at 0"
              + " in the loss, or use one of "
              + reading(BETA)
              + ".");
    }
    refuseUnless(name, EPSILON, "epsilon", settings.epsilon() == idle.epsilon());
    refuseUnless(name, EPSILON_HIGH, "epsilon_high", settings.epsilonHigh() == idle.epsilonHigh());
    refuseUnless(name, DELTA, "delta", settings.delta() == idle.delta());
    refuseUnless(
        name,
        LEVEL,
        "importance_sampling_level sequence",
        settings.importanceSamplingLevel() == ImportanceSamplingLevel.TOKEN);
    refuseUnless(name, SAPO, "sapo_temperature", settings.sapo().equals(idle.sapo()));
    refuseUnless(name, VESPO, "vespo_k or vespo_lambda", settings.vespo().equals(idle.vespo()));
  }

  private static void refuseUnless(String name, String option, String setting, boolean idle) {
    if (!idle && !TYPES.reads(name, option)) {
      throw refused(
          setting
              + " does nothing for the loss type "
              + name
              + ": leave it out, or use one of "
              + reading(option)
              + ".");
    }
  }

  private static String reading(String option) {
    return String.join(", ", TYPES.reading(option));
  }

  /** With the ratio of the token or of the sequence, as the settings say. */
  private static PolicyGradient byLevel(
      Surrogate surrogate, Weighing weighing, Normalization normalization, GrpoSettings settings) {
    return new PolicyGradient(
        surrogate,
        RatioOf.level(settings.importanceSamplingLevel()),
        weighing,
        normalization,
        settings);
  }

  private static Surrogate clipped(GrpoSettings settings) {
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

  private static Surrogate sapo(GrpoSettings settings) {
    return new Sapo(settings.sapo().temperaturePos(), settings.sapo().temperatureNeg());
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
