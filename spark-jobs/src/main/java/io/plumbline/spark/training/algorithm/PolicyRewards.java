package io.plumbline.spark.training.algorithm;

import java.util.Map;

/** What is said of rewards where nothing is compared with a reference. */
final class PolicyRewards {
  static final Clause CHOSEN_AHEAD =
      Clause.percent(
          "the share of pairs whose chosen side the policy rewards more",
          "eval_rewards/accuracies");

  static final Map<String, String> MEANINGS =
      Map.of(
          "eval_rewards/accuracies",
          "share of held-out pairs where the reward, beta times the log-probability, of the chosen"
              + " side is higher",
          "eval_rewards/margins",
          "reward of the chosen side minus that of the rejected one, mean",
          "eval_rewards/chosen",
          "reward of the chosen side, mean",
          "eval_rewards/rejected",
          "reward of the rejected side, mean");

  private PolicyRewards() {}
}
