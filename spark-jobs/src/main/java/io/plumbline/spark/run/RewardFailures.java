package io.plumbline.spark.run;

import io.plumbline.reward.FailureLimit;
import java.util.OptionalLong;

/** The option that says how many completions may go without a reward. */
public final class RewardFailures {
  private static final String OPTION = "--max-failed-rewards";

  private RewardFailures() {}

  /** The limit that the option sets: a number in all, or a share. */
  public static FailureLimit limit(OptionalLong atMost, double atMostShare) {
    return new FailureLimit(atMost, atMostShare, OPTION);
  }
}
