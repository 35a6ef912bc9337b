package io.plumbline.objective.rollout;

import io.plumbline.base.Settings;

/**
 * The loss of a critic: half the squared distance of its value from the return, where it may move
 * only so far from the value that it had when the rollout was made. As in the code of Schulman et
 * al., "Proximal Policy Optimization Algorithms" (2017), and TRL's {@code vf_loss}.
 *
 * <p>½·max((V − R)², (clip(V, V_old − c, V_old + c) − R)²)
 *
 * @param range c, TRL's {@code cliprange_value}, over 0; POSITIVE_INFINITY for no clipping
 */
public record ClippedValue(double range) {
  public ClippedValue {
    Settings.check(range > 0, "cliprange_value", "over 0", range);
  }

  /**
   * A value's loss.
   *
   * @param slope its derivative by the value
   * @param clipped whether the clipped distance is the greater one
   */
  public record At(double loss, double slope, boolean clipped) {}

  /**
   * The loss of one state.
   *
   * @param value V, the critic's now
   * @param old V_old, the critic's before the first update
   * @param target R, the return
   */
  public At at(double value, double old, double target) {
    double bounded = Math.max(old - range, Math.min(old + range, value));
    double free = value - target;
    double held = bounded - target;
    boolean clipped = held * held > free * free;
    return clipped ? new At(held * held / 2, 0, true) : new At(free * free / 2, free, false);
  }
}
