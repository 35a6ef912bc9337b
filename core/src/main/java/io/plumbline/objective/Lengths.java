package io.plumbline.objective;

/** Whether an objective looks at sums over a completion's tokens, or at means. */
public enum Lengths {
  /** Sums, as most papers have it. */
  SUMMED,
  /** Sums divided by the number of counted tokens; a side without any counts as having one. */
  PER_TOKEN;

  public double divisor(int tokens) {
    return this == SUMMED ? 1 : Math.max(tokens, 1);
  }
}
