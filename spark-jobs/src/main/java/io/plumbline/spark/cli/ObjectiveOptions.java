package io.plumbline.spark.cli;

import io.plumbline.error.PlumblineException;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.Methods;
import io.plumbline.spark.training.ObjectiveSettings;
import io.plumbline.spark.training.ObjectiveSettings.NllOn;
import io.plumbline.spark.training.ObjectiveSettings.PairWeighting;
import io.plumbline.spark.training.ObjectiveSettings.ReferenceModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** The options of objectives: which command has which, and the settings that they make. */
final class ObjectiveOptions {
  private static final String OBJECTIVE = "Objective";

  static final Setting<Double> BETA =
      Setting.positive(
              "beta",
              OBJECTIVE,
              "How much a log-ratio counts: higher stays nearer to the reference.")
          .withInitial("0.1");
  private static final Setting<Double> ROLLOUT_BETA =
      Setting.number(
              BETA.name(),
              OBJECTIVE,
              "Weight of the KL from the reference; 0 for no reference at all.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<List<String>> LOSS_TYPE =
      Setting.value(
          "loss-type",
          "NAME[:X][,...]",
          OBJECTIVE,
          "Which loss; several make a mix (docs/objectives.md).",
          ObjectiveOptions::names);
  static final Setting<List<Double>> LOSS_WEIGHTS =
      Setting.value(
          "loss-weights",
          "X[,X...]",
          OBJECTIVE,
          "A weight for each loss of a mix, as TRL has them; or write them behind the names.",
          ObjectiveOptions::numbers);
  static final Setting<Double> LABEL_SMOOTHING =
      Setting.number("label-smoothing", OBJECTIVE, "Share of the labels taken to be wrong.", 0, 0.5)
          .withInitial("0");
  static final Setting<String> F_DIVERGENCE_TYPE =
      Setting.text(
              "f-divergence-type",
              "NAME",
              OBJECTIVE,
              "Divergence from the reference: reverse_kl, forward_kl, js_divergence or"
                  + " alpha_divergence.")
          .withWords(Divergence.names())
          .withInitial("reverse_kl");
  static final Setting<Double> F_ALPHA_DIVERGENCE_COEF =
      Setting.number(
              "f-alpha-divergence-coef",
              OBJECTIVE,
              "The alpha of alpha_divergence.",
              Double.NEGATIVE_INFINITY,
              Double.POSITIVE_INFINITY)
          .withInitial("0.5");
  static final Setting<Double> DISCOPOP_TAU =
      Setting.positive("discopop-tau", OBJECTIVE, "Temperature of discopop's mixture.")
          .withInitial("0.05");
  static final Setting<Double> LD_ALPHA =
      Setting.number(
              "ld-alpha",
              OBJECTIVE,
              "How much the tokens count by which one side is longer than the other; 1 for as much"
                  + " as all others (LD-DPO).",
              0,
              1)
          .withInitial("1");
  static final Setting<Boolean> USE_WEIGHTING =
      Setting.flag(
          "use-weighting", OBJECTIVE, "Weighs pairs by how probable they are to the policy (WPO).");
  static final Setting<Boolean> REFERENCE_FREE =
      Setting.flag(
          "reference-free", OBJECTIVE, "Compares with no reference: its log-probabilities are 0.");
  static final Setting<Double> DESIRABLE_WEIGHT =
      Setting.positive("desirable-weight", OBJECTIVE, "How much a good completion counts.")
          .withInitial("1");
  static final Setting<Double> UNDESIRABLE_WEIGHT =
      Setting.positive("undesirable-weight", OBJECTIVE, "How much a bad completion counts.")
          .withInitial("1");
  static final Setting<Double> SIMPO_GAMMA =
      Setting.number(
              "simpo-gamma",
              OBJECTIVE,
              "By how much the chosen side's reward should be higher.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0.5");
  static final Setting<Double> CPO_ALPHA =
      Setting.number(
              "cpo-alpha",
              OBJECTIVE,
              "Weight of the chosen side's likelihood; 1 with --loss-type sigmoid is CPO. (TRL: 1.)",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<Double> ALPHA =
      Setting.number(
              "alpha",
              OBJECTIVE,
              "AlphaPO's shape of the reward; 0 for the logarithm.",
              Double.NEGATIVE_INFINITY,
              Double.POSITIVE_INFINITY)
          .withInitial("0");
  static final Setting<NllOn> NLL_ON =
      Setting.choice(
              "nll-on",
              OBJECTIVE,
              "Which tokens the likelihood counts: prompt and chosen side, as TRL and the authors'"
                  + " code, or the chosen side, as the paper.",
              NllOn.class)
          .withInitial("all");
  static final Setting<Double> CENTER_REWARDS_COEFFICIENT =
      Setting.number(
              "center-rewards-coefficient",
              OBJECTIVE,
              "Pulls the sum of a pair's scores towards 0 with this weight; 0.01 is usual.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");

  private ObjectiveOptions() {}

  /** What an algorithm's command takes. */
  static List<Setting<?>> of(Algorithm algorithm) {
    return switch (algorithm) {
      case SFT -> List.of();
      case REWARD -> List.of(CENTER_REWARDS_COEFFICIENT);
      case DPO ->
          List.of(
              beta(algorithm),
              lossType(algorithm),
              LOSS_WEIGHTS,
              LABEL_SMOOTHING,
              F_DIVERGENCE_TYPE,
              F_ALPHA_DIVERGENCE_COEF,
              DISCOPOP_TAU,
              LD_ALPHA,
              USE_WEIGHTING,
              REFERENCE_FREE);
      case GRPO -> List.of(beta(algorithm), lossType(algorithm));
      case PPO -> List.of(beta(algorithm));
      case KTO ->
          List.of(beta(algorithm), lossType(algorithm), DESIRABLE_WEIGHT, UNDESIRABLE_WEIGHT);
      case ORPO ->
          List.of(
              beta(algorithm)
                  .withHelp(
                      "Weight of the odds ratio beside the likelihood (lambda in the paper)."),
              NLL_ON);
      case SIMPO ->
          List.of(
              beta(algorithm).withHelp("Scale of the reward."),
              lossType(algorithm),
              LABEL_SMOOTHING,
              SIMPO_GAMMA,
              CPO_ALPHA,
              ALPHA);
    };
  }

  private static Setting<Double> beta(Algorithm algorithm) {
    return switch (algorithm) {
      case SIMPO -> BETA.withInitial("2.0");
      case GRPO -> ROLLOUT_BETA;
      case PPO ->
          ROLLOUT_BETA
              .withHelp(
                  "What each token is charged for a nat of KL from the reference; 0 for no reference"
                      + " at all. (TRL: kl_coef.)")
              .withInitial("0.05");
      case SFT, REWARD, DPO, KTO, ORPO -> BETA;
    };
  }

  private static Setting<List<String>> lossType(Algorithm algorithm) {
    String initial =
        switch (algorithm) {
          case SFT, REWARD, DPO -> "sigmoid";
          case KTO -> "kto";
          case ORPO -> "orpo";
          case SIMPO -> "simpo";
          case GRPO -> "dapo";
          case PPO -> "ppo";
        };
    boolean mixes = algorithm == Algorithm.DPO;
    return LOSS_TYPE
        .withLabel(mixes ? LOSS_TYPE.label() : "NAME")
        .withHelp(
            "Which loss"
                + (mixes
                    ? "; several make a mix, each with a weight, as in sigmoid:0.8,sft:0.2"
                    : "")
                + " (docs/objectives.md): "
                + String.join(", ", Methods.lossTypes(algorithm))
                + ".")
        .withWords(Methods.lossTypes(algorithm))
        .withInitial(initial);
  }

  /** The settings that the values make. */
  static ObjectiveSettings settings(Algorithm algorithm, SettingValues values, Problems problems) {
    List<String> losses = values.of(lossType(algorithm));
    List<Double> weights = values.find(LOSS_WEIGHTS).orElse(List.of());
    if (losses.stream().anyMatch(loss -> loss.contains(":"))) {
      if (algorithm != Algorithm.DPO) {
        problems.add(
            String.format(
                "--loss-type is '%s', and only dpo weighs losses: leave out the part from the colon"
                    + " on.",
                String.join(",", losses)));
      }
      if (!weights.isEmpty()) {
        problems.add("--loss-type and --loss-weights both weigh the losses: do it in one of them.");
      }
      weights = losses.stream().map(loss -> weight(loss, problems)).toList();
      losses = losses.stream().map(loss -> loss.replaceFirst(":.*", "")).toList();
    }
    ObjectiveSettings settings =
        new ObjectiveSettings(
            losses,
            weights,
            values.of(beta(algorithm)),
            values.of(LABEL_SMOOTHING),
            values.of(F_DIVERGENCE_TYPE),
            values.of(F_ALPHA_DIVERGENCE_COEF),
            values.of(DISCOPOP_TAU),
            values.of(LD_ALPHA),
            values.of(REFERENCE_FREE) ? ReferenceModel.FREE : ReferenceModel.FROZEN,
            values.of(USE_WEIGHTING) ? PairWeighting.WPO : PairWeighting.EQUAL,
            values.of(DESIRABLE_WEIGHT),
            values.of(UNDESIRABLE_WEIGHT),
            values.of(SIMPO_GAMMA),
            values.of(CPO_ALPHA),
            values.of(ALPHA),
            values.of(NLL_ON),
            values.of(CENTER_REWARDS_COEFFICIENT));
    try {
      Methods.check(algorithm, settings);
      refuseIgnored(algorithm, settings, values, problems);
    } catch (PlumblineException e) {
      problems.add(inOptions(of(algorithm), e.getMessage()));
    }
    return settings;
  }

  /** Options that the losses do not read: somebody who gives one expects it to do something. */
  private static void refuseIgnored(
      Algorithm algorithm, ObjectiveSettings settings, SettingValues values, Problems problems) {
    List<String> losses = settings.lossTypes();
    if (algorithm == Algorithm.DPO) {
      refuseUnless(
          losses.contains("discopop"), DISCOPOP_TAU, "--loss-type discopop", values, problems);
      refuseUnless(
          settings.fDivergenceType().equals("alpha_divergence"),
          F_ALPHA_DIVERGENCE_COEF,
          "--f-divergence-type alpha_divergence",
          values,
          problems);
      if (values.of(REFERENCE_FREE) && values.has(TrainingSettings.REFERENCE_CACHE)) {
        problems.add(
            "--reference-free compares with no reference, so --reference-cache does nothing: leave"
                + " one out.");
      }
    }
    if (algorithm == Algorithm.SIMPO) {
      boolean simpo = losses.contains("simpo") || losses.contains("alphapo");
      refuseUnless(simpo, SIMPO_GAMMA, "--loss-type simpo or alphapo", values, problems);
      refuseUnless(
          !losses.contains("alphapo"),
          CPO_ALPHA,
          "a --loss-type other than alphapo",
          values,
          problems);
    }
  }

  private static void refuseUnless(
      boolean read, Setting<?> setting, String needed, SettingValues values, Problems problems) {
    if (!read && values.has(setting)) {
      problems.add(
          String.format(
              "%s does nothing without %s: add that, or leave it out.", setting.option(), needed));
    }
  }

  /** A sentence with the options as they are written here, where it has them as TRL does. */
  static String inOptions(List<Setting<?>> settings, String sentence) {
    String text = sentence;
    for (Setting<?> setting : settings) {
      if (setting.name().contains("-")) {
        text =
            text.replaceAll(
                "(?<![\\w-])" + setting.name().replace('-', '_') + "(?![\\w])", setting.option());
      }
    }
    return text;
  }

  private static double weight(String loss, Problems problems) {
    int colon = loss.indexOf(':');
    if (colon < 0) {
      return 1;
    }
    try {
      return Setting.realNumber(loss.substring(colon + 1), 0, Double.POSITIVE_INFINITY);
    } catch (IllegalArgumentException e) {
      problems.add(
          String.format(
              "--loss-type has '%s', and the weight behind its colon %s.", loss, e.getMessage()));
      return 1;
    }
  }

  private static List<String> names(String text) {
    List<String> names = new ArrayList<>();
    for (String name : text.split(",", -1)) {
      if (name.isBlank()) {
        throw new IllegalArgumentException("must be names with commas between them");
      }
      names.add(name.strip().toLowerCase(Locale.ROOT));
    }
    return names;
  }

  private static List<Double> numbers(String text) {
    return Arrays.stream(text.split(",", -1))
        .map(one -> Setting.realNumber(one.strip(), 0, Double.POSITIVE_INFINITY))
        .toList();
  }
}
