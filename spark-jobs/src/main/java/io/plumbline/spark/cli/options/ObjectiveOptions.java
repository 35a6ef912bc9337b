package io.plumbline.spark.cli.options;

import io.plumbline.error.PlumblineException;
import io.plumbline.settings.Texts;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.AlgorithmSettings;
import io.plumbline.spark.training.AlgorithmSettings.Dpo;
import io.plumbline.spark.training.AlgorithmSettings.Simpo;
import io.plumbline.spark.training.Methods;
import io.plumbline.train.Dpo.Reference;
import java.util.List;

/** What is checked of the options of objectives that learn from rows. */
final class ObjectiveOptions {
  private static final Setting<Double> DISCOPOP_TAU = Setting.declared(Dpo.class, "discopop-tau");
  private static final Setting<Double> F_ALPHA_DIVERGENCE_COEF =
      Setting.declared(Dpo.class, "f-alpha-divergence-coef");
  private static final Setting<Double> SIMPO_GAMMA = Setting.declared(Simpo.class, "simpo-gamma");
  private static final Setting<Double> CPO_ALPHA = Setting.declared(Simpo.class, "cpo-alpha");

  private ObjectiveOptions() {}

  /** The settings that the values make. */
  static AlgorithmSettings settings(
      Algorithm algorithm, DeclaredSettings declared, SettingValues values, Problems problems) {
    AlgorithmSettings settings = (AlgorithmSettings) declared.read(algorithm.settings());
    List<String> losses = settings.losses();
    boolean weighted = losses.stream().anyMatch(loss -> loss.contains(":"));
    if (settings instanceof Dpo dpo) {
      settings = weighted ? weighted(dpo, problems) : dpo;
    } else if (weighted) {
      refuseWeights(losses, problems);
      return settings;
    }
    try {
      Methods.check(settings);
      refuseIgnored(settings, values, problems);
    } catch (PlumblineException e) {
      problems.add(declared.inOptions(e.getMessage()));
    }
    return settings;
  }

  /** Weights stand behind names that only a mix has. */
  static void refuseWeights(List<String> losses, Problems problems) {
    problems.add(
        String.format(
            "--loss-type is '%s', and only dpo weighs losses: leave out the part from the colon on.",
            String.join(",", losses)));
  }

  /** The losses apart from the weights behind their names. */
  private static Dpo weighted(Dpo dpo, Problems problems) {
    if (!dpo.lossWeights().isEmpty()) {
      problems.add("--loss-type and --loss-weights both weigh the losses: do it in one of them.");
    }
    return dpo.mixing(
        dpo.lossType().stream().map(loss -> loss.replaceFirst(":.*", "")).toList(),
        dpo.lossType().stream().map(loss -> weight(loss, problems)).toList());
  }

  /** Options that the losses do not read: somebody who gives one expects it to do something. */
  private static void refuseIgnored(
      AlgorithmSettings settings, SettingValues values, Problems problems) {
    if (settings instanceof Dpo dpo) {
      refuseUnless(
          dpo.lossType().contains("discopop"),
          DISCOPOP_TAU,
          "--loss-type discopop",
          values,
          problems);
      refuseUnless(
          dpo.fDivergenceType().equals("alpha_divergence"),
          F_ALPHA_DIVERGENCE_COEF,
          "--f-divergence-type alpha_divergence",
          values,
          problems);
      if (dpo.reference() == Reference.UNIFORM && values.has(TrainingSettings.REFERENCE_CACHE)) {
        problems.add(
            "--reference-free compares with no reference, so --reference-cache does nothing: leave"
                + " one out.");
      }
    }
    if (settings instanceof Simpo simpo) {
      List<String> losses = simpo.lossType();
      boolean margin = losses.contains("simpo") || losses.contains("alphapo");
      refuseUnless(margin, SIMPO_GAMMA, "--loss-type simpo or alphapo", values, problems);
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

  private static double weight(String loss, Problems problems) {
    int colon = loss.indexOf(':');
    if (colon < 0) {
      return 1;
    }
    try {
      return Texts.realNumber(loss.substring(colon + 1), 0, Double.POSITIVE_INFINITY);
    } catch (IllegalArgumentException e) {
      problems.add(
          String.format(
              "--loss-type has '%s', and the weight behind its colon %s.", loss, e.getMessage()));
      return 1;
    }
  }
}
