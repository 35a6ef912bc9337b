package io.plumbline.reward;

import java.util.OptionalLong;

/**
 * How many completions may go without a reward because a reward function failed.
 *
 * @param atMost more of them, in all, end the run; empty where only a share does
 * @param atMostShare where there is no {@code atMost}: a larger share of the completions that were
 *     scored together ends it
 * @param option what a user raises the limit by
 */
public record FailureLimit(OptionalLong atMost, double atMostShare, String option) {
  /**
   * Whether more have failed than may.
   *
   * @param inAll completions that failed in the whole run
   * @param failed of those scored now
   * @param scored now
   */
  public boolean isOver(long inAll, long failed, long scored) {
    return atMost.isPresent() ? inAll > atMost.getAsLong() : failed > atMostShare * scored;
  }

  /** What helps where so many of all failed: to allow most of them helps nobody. */
  public String remedy(long failed, long all) {
    return 2 * failed > all
        ? "fix the function, the column that it reads or its parameters."
        : "fix the function, or allow more by " + option + ".";
  }
}
