package io.plumbline.objective.rollout;

import io.plumbline.base.Settings;
import java.util.Arrays;

/** A policy-gradient loss of completions that the policy sampled. A pure function. */
public interface RolloutObjective {
  /** What the sum of {@link RolloutLoss#loss} over a step's batch is divided by. */
  enum Normalization {
    /** The number of completions. */
    SEQUENCES,
    /** The number of tokens that count, at least 1. */
    TOKENS,
    /** The number of completions times the greatest length that one may have. */
    SEQUENCES_TIMES_MAX_LENGTH
  }

  /**
   * The loss of a completion of a batch.
   *
   * <p>The entropy bonus is a mean over the batch's tokens whatever the loss is divided by, so its
   * share here needs to know both.
   *
   * @param entropyThreshold tokens of an entropy under it are not learned from; NEGATIVE_INFINITY
   *     for all
   * @param bonusScale what the batch's sum of losses is divided by, over the number (at least 1) of
   *     its tokens that count and are learned from; read only with an entropy bonus
   */
  RolloutLoss loss(RolloutLogps rollout, double entropyThreshold, double bonusScale);

  Normalization normalization();

  /**
   * The entropy from which a token is learned from, so that the share {@code topQuantile} of them
   * is: Wang et al., "Beyond the 80/20 Rule: High-Entropy Minority Tokens Drive Effective
   * Reinforcement Learning for LLM Reasoning" (2025). Between two entropies it is interpolated in
   * float32, as in TRL.
   *
   * @param entropies of all tokens of the batch that count, in any order
   * @param topQuantile TRL's {@code top_entropy_quantile}, within 0 and 1; 1 for all tokens
   */
  static double entropyThreshold(double[] entropies, double topQuantile) {
    Settings.check(
        topQuantile >= 0 && topQuantile <= 1,
        "top_entropy_quantile",
        "within 0 and 1",
        topQuantile);
    if (topQuantile == 1) {
      return Double.NEGATIVE_INFINITY;
    }
    if (entropies.length == 0) {
      return Double.POSITIVE_INFINITY;
    }
    double[] sorted = entropies.clone();
    Arrays.sort(sorted);
    // In float32, so that a rank meant to be whole is: a token at the threshold is learned from.
    float rank = (float) (1 - topQuantile) * (sorted.length - 1);
    int below = (int) rank;
    float low = (float) sorted[below];
    float high = (float) sorted[Math.min(below + 1, sorted.length - 1)];
    float weight = rank - below;
    return weight < 0.5f ? low + weight * (high - low) : high - (high - low) * (1 - weight);
  }
}
