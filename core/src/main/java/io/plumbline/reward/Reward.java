package io.plumbline.reward;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What a {@link RewardFunction} says of one completion.
 *
 * @param value the reward of the completion as a whole; empty where the function has nothing to say
 *     of it, which counts as no reward and no failure (TRL's {@code None}); a NaN is a failure
 * @param steps process rewards, in the order of the text; empty for outcome rewards
 */
public record Reward(OptionalDouble value, List<Step> steps) {

  /**
   * The reward of a part of a completion, from the end of the part before it.
   *
   * @param end characters of the text up to the end of the part
   */
  public record Step(int end, double value) {}

  public Reward {
    steps = List.copyOf(steps);
  }

  /** A reward of the whole completion. */
  public static Reward of(double value) {
    return new Reward(OptionalDouble.of(value), List.of());
  }

  /** Nothing to say. */
  public static Reward notApplicable() {
    return new Reward(OptionalDouble.empty(), List.of());
  }

  /** A reward for each step; that of the whole is their mean. */
  public static Reward ofSteps(List<Step> steps) {
    return steps.isEmpty()
        ? notApplicable()
        : new Reward(
            OptionalDouble.of(steps.stream().mapToDouble(Step::value).average().orElseThrow()),
            steps);
  }
}
