package io.plumbline.reward;

import io.plumbline.base.CountOrShare;

/**
 * How many completions may go without a reward because a reward function failed.
 *
 * @param most more of them in all end the run, or a larger share of the completions that were
 *     scored together
 * @param option what a user raises the limit by
 */
public record FailureLimit(CountOrShare most, String option) {
  /**
   * Whether more have failed than may.
   *
   * @param inAll completions that failed in the whole run
   * @param failed of those scored now
   * @param scored now
   */
  public boolean isOver(long inAll, long failed, long scored) {
    return !most.allows(most.isShare() ? failed : inAll, scored);
  }

  /** What helps where so many of all failed: to allow most of them helps nobody. */
  public String remedy(long failed, long all) {
    return 2 * failed > all
        ? "fix the function, the column that it reads or its parameters."
        : "fix the function, or allow more by " + option + ".";
  }
}
