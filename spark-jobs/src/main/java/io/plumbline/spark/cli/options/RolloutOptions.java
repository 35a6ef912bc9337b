package io.plumbline.spark.cli.options;

import io.plumbline.base.CountOrShare;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.training.algorithm.Rewards;
import io.plumbline.spark.training.algorithm.RolloutSettings.Phases;
import java.util.List;

/** The options of reward functions and rollouts that other commands read too. */
public final class RolloutOptions {
  public static final Setting<String> REWARD = Setting.declared(Rewards.class, "reward");
  public static final Setting<CountOrShare> MAX_FAILED_REWARDS =
      Setting.declared(Rewards.class, "max-failed-rewards");
  public static final Setting<Boolean> MASK_TRUNCATED_COMPLETIONS =
      Setting.declared(Phases.class, "mask-truncated-completions");
  static final Setting<Integer> NUM_GENERATIONS_EVAL =
      Setting.declared(Phases.class, "num-generations-eval");

  private RolloutOptions() {}

  /** The rewards that are named; that none is, or one makes no sense, is a problem. */
  public static List<RewardSpec> rewardSpecs(SettingValues values, Problems problems) {
    return Rewards.specs(values.all(REWARD), "--reward", "answer", problems::add);
  }
}
