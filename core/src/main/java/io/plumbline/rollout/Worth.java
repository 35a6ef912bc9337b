package io.plumbline.rollout;

import io.plumbline.advantage.Constraints;
import io.plumbline.advantage.KlController;
import io.plumbline.model.Generation;
import io.plumbline.model.Generation.Finish;
import io.plumbline.reward.RewardPanel;
import java.util.Arrays;

/**
 * What a completion is worth in the present phase: rewards, less what costs, its length and its
 * distance from the reference take off.
 */
record Worth(Rollouts.Settings settings, RolloutSampler sampler, Controllers controllers) {
  KlController kl() {
    return controllers.kl();
  }

  Constraints constraints() {
    return controllers.constraints();
  }

  /** By reward function. */
  double[] rewardWeights() {
    return sampler.rewards().weights();
  }

  /** Weighted rewards alone, without costs and penalties; NaN where no function said anything. */
  double reward(CompletionNumbers row) {
    return RewardPanel.weighted(row.scores(), 0, rewardWeights());
  }

  /** Whether anything may be learned from a completion of its length. */
  boolean counts(Generation written) {
    return settings.truncated() == Rollouts.Truncated.LEARNED || written.finish() != Finish.LENGTH;
  }

  /** The penalty for a completion's length, 0 or less. */
  double overlong(Generation written) {
    return settings
        .overlong()
        .map(overlong -> overlong.penalty(written.tokens().length))
        .orElse(0.0);
  }

  /** The estimate of a completion's distance from the reference, in nats. */
  double klCharge(float[] logps, float[] reference) {
    double sum = 0;
    for (int t = 0; t < logps.length; t++) {
      sum += settings.distance().klEstimator().at((double) reference[t] - logps[t]).loss();
    }
    return sum;
  }

  /** Which share of what is learned brings the policy back to the reference. */
  double restraint(PhaseTable table) {
    return sampler.reference().isPresent()
        ? settings.distance().klBudget().restraintAt(distance(table))
        : 0;
  }

  boolean isOverBudget(PhaseTable table) {
    return sampler.reference().isPresent()
        && settings.distance().klBudget().isLeftAt(distance(table));
  }

  private static double distance(PhaseTable table) {
    return Arrays.stream(table.column(CompletionNumbers::logRatio)).average().orElse(0);
  }
}
