package io.plumbline.spark.cli.options;

import io.plumbline.advantage.CostSpec;
import io.plumbline.base.CountOrShare;
import io.plumbline.error.PlumblineException;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.reward.RewardSpec;
import io.plumbline.rollout.Rollouts.KlIn;
import io.plumbline.spark.training.Algorithm;
import io.plumbline.spark.training.GrpoRunSettings;
import io.plumbline.spark.training.PpoRunSettings;
import io.plumbline.spark.training.RolloutSettings;
import io.plumbline.spark.training.RolloutSettings.Limits;
import io.plumbline.spark.training.RolloutSettings.Loss;
import io.plumbline.spark.training.RolloutSettings.Phases;
import io.plumbline.spark.training.RolloutSettings.Rewards;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What is checked of the options of algorithms that learn from their own completions. */
public final class RolloutOptions {
  public static final Setting<String> REWARD = Setting.declared(Rewards.class, "reward");
  public static final Setting<CountOrShare> MAX_FAILED_REWARDS =
      Setting.declared(Rewards.class, "max-failed-rewards");
  public static final Setting<Boolean> MASK_TRUNCATED_COMPLETIONS =
      Setting.declared(Phases.class, "mask-truncated-completions");
  static final Setting<Integer> NUM_GENERATIONS_EVAL =
      Setting.declared(Phases.class, "num-generations-eval");

  private static final Setting<String> COST = Setting.declared(Rewards.class, "cost");
  private static final Setting<Double> COST_LEARNING_RATE =
      Setting.declared(Rewards.class, "cost-learning-rate");
  private static final Setting<KlIn> KL_IN = Setting.declared(Limits.class, "kl-in");
  private static final Setting<Double> KL_TARGET = Setting.declared(Limits.class, "kl-target");
  private static final Setting<Double> KL_HORIZON = Setting.declared(Limits.class, "kl-horizon");
  private static final Setting<Boolean> NO_BIAS_CORRECTION_KL =
      Setting.declared(Loss.class, "no-bias-correction-kl");
  private static final Setting<List<String>> LOSS_TYPE =
      Setting.declared(GrpoRunSettings.class, "loss-type");

  private RolloutOptions() {}

  /** The rewards that are named; that none is, or one makes no sense, is a problem. */
  public static List<RewardSpec> rewardSpecs(SettingValues values, Problems problems) {
    return rewardSpecs(values.all(REWARD), "--reward", "answer", problems);
  }

  private static List<RewardSpec> rewardSpecs(
      List<String> rewards, String options, String example, Problems problems) {
    if (rewards.isEmpty()) {
      problems.add(
          options
              + " is missing: name what completions are scored by, such as "
              + example
              + " (docs/rewards.md lists the kinds).");
    }
    List<RewardSpec> specs = new ArrayList<>();
    for (String reward : rewards) {
      gathering("--reward", () -> specs.add(RewardSpec.parse(reward)), problems);
    }
    return specs;
  }

  /** The settings that the values make. */
  static RolloutSettings settings(
      Algorithm algorithm, DeclaredSettings declared, SettingValues values, Problems problems) {
    boolean ppo = algorithm == Algorithm.PPO;
    Map<String, String> usual =
        RolloutSettings.usual(
            algorithm,
            ppo ? "" : values.of(LOSS_TYPE).get(0),
            ppo ? Optional.empty() : values.find(KL_IN));
    RolloutSettings settings = (RolloutSettings) declared.read(algorithm.settings(), usual);
    boolean weighted = settings.losses().stream().anyMatch(loss -> loss.contains(":"));
    if (weighted) {
      ObjectiveOptions.refuseWeights(settings.losses(), problems);
    }
    if (settings instanceof PpoRunSettings own) {
      settings = CriticOptions.resolved(own, values, problems);
      rewardSpecs(
          settings.rewards().rewards(),
          "--reward-model or --reward",
          "runs/reward/checkpoint or answer",
          problems);
    } else {
      rewardSpecs(values, problems);
    }
    check(settings, values, problems);
    if (!weighted) {
      checkLoss(settings, declared, problems);
    }
    return settings;
  }

  private static void check(RolloutSettings settings, SettingValues values, Problems problems) {
    for (String cost : settings.rewards().costs()) {
      gathering("--cost", () -> RewardSpec.parse(CostSpec.parse(cost).rewardSpec()), problems);
    }
    if (settings.completions().topP() > 1) {
      problems.add("--top-p is a share of the probability: give a number above 0 and at most 1.");
    }
    int longest = settings.completions().maxCompletionLength();
    if (settings.phases().overlongCache() >= longest) {
      problems.add(
          String.format(
              "--overlong-cache is %d and --max-completion-length only %d: take a smaller part.",
              settings.phases().overlongCache(), longest));
    }
    if (!values.has(KL_TARGET) && values.has(KL_HORIZON)) {
      problems.add("--kl-horizon does nothing without --kl-target: add that, or leave it out.");
    }
    if (!values.has(COST) && values.changes(COST_LEARNING_RATE)) {
      problems.add("--cost-learning-rate does nothing without --cost: add one, or leave it out.");
    }
    if (settings.beta() == 0) {
      if (values.has(KL_TARGET)) {
        problems.add(
            "--kl-target adapts --beta, which is 0 and would stay so: give the --beta to begin"
                + " with.");
      }
      if (values.changes(NO_BIAS_CORRECTION_KL)) {
        problems.add(
            "--no-bias-correction-kl is about the KL that is charged, and --beta is 0: give a"
                + " --beta, or leave it out.");
      }
    }
  }

  /** The loss is made to find what is wrong with it. */
  private static void checkLoss(
      RolloutSettings settings, DeclaredSettings declared, Problems problems) {
    GrpoSettings constants = GrpoSettings.defaults();
    try {
      constants = settings.constants(settings.beta());
    } catch (PlumblineException e) {
      problems.add(declared.inOptions(e.getMessage()));
    }
    try {
      GrpoLossTypes.of(settings.lossName(), constants);
    } catch (PlumblineException e) {
      problems.add(declared.inOptions(e.getMessage()));
    }
  }

  private static void gathering(String option, Runnable check, Problems problems) {
    try {
      check.run();
    } catch (PlumblineException e) {
      problems.add(option + ": " + e.getMessage());
    }
  }
}
