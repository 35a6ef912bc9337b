package io.plumbline.spark.training.algorithm;

import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.CostSpec;
import io.plumbline.base.CountOrShare;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.RewardPanel;
import io.plumbline.reward.RewardSpec;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import io.plumbline.storage.Storage;
import io.plumbline.text.TemplateSettings;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What completions are scored by.
 *
 * @param rewardModel short for one of the rewards; empty once it is among them
 * @param rewards reward functions
 * @param costs cost functions with their limits
 * @param costLearningRate of the Lagrange multipliers
 * @param maxFailedRewards rewards that may fail, in all or as a share of a phase's
 */
@Heading("Rewards and costs")
public record Rewards(
    @Option(
            label = "DIR",
            help =
                "A reward model that scores completions; short for --reward"
                    + " model{\"path\":\"DIR\"}. May stand beside --reward.",
            recorded = false)
        String rewardModel,
    @Option(
            name = "reward",
            label = "KIND[{OPTIONS}]",
            help =
                "A reward function, such as answer or"
                    + " regex{\"pattern\":\"^[0-9]+$\",\"weight\":0.5}; may be repeated"
                    + " (docs/rewards.md).")
        List<String> rewards,
    @Option(
            name = "cost",
            label = "KIND[{OPTIONS}]<=LIMIT",
            help =
                "A reward function whose value is a cost, with the limit that its mean must stay"
                    + " under; may be repeated (docs/constraints.md).")
        List<String> costs,
    @Option(
            help =
                "How fast the price of a cost rises while its mean is over the limit: by so much a"
                    + " step, in reward, where the mean is twice the limit.",
            standard = "" + Constraints.STANDARD_LEARNING_RATE,
            positive = true,
            follows = "cost")
        double costLearningRate,
    @Option(
            label = "N|SHARE%",
            help =
                "Rollouts whose reward function threw, was too slow or gave NaN are left out and"
                    + " counted; more than N in all, or than a share of a phase, end the run.",
            standard = "5%",
            decidesNothing = "ends a run and changes none of its updates")
        CountOrShare maxFailedRewards)
    implements PartlyUsed, Serializable {
  public Rewards {
    rewards = List.copyOf(rewards);
    costs = List.copyOf(costs);
  }

  /** These with the reward model among the rewards. */
  public Rewards of(List<String> all) {
    return new Rewards("", all, costs, costLearningRate, maxFailedRewards);
  }

  /** The reward functions. */
  public RewardPanel open(Storage storage, TemplateSettings rendering) {
    return RewardPanel.open(rewards.stream().map(RewardSpec::parse).toList(), storage, rendering);
  }

  /** The cost functions. */
  public RewardPanel openCosts(Storage storage, TemplateSettings rendering) {
    return RewardPanel.open(
        costs.stream().map(cost -> RewardSpec.parse(CostSpec.parse(cost).rewardSpec())).toList(),
        storage,
        rendering);
  }

  /**
   * The rewards that are named; that none is, or one makes no sense, is a problem.
   *
   * @param options that name rewards
   * @param example what they could name
   */
  public static List<RewardSpec> specs(
      List<String> rewards, String options, String example, Consumer<String> problems) {
    if (rewards.isEmpty()) {
      problems.accept(
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

  static void gathering(String option, Runnable check, Consumer<String> problems) {
    try {
      check.run();
    } catch (PlumblineException e) {
      problems.accept(option + ": " + e.getMessage());
    }
  }

  @Override
  public Set<String> unused() {
    return costs.isEmpty() ? Set.of("cost-learning-rate") : Set.of();
  }
}
