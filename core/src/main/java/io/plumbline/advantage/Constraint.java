package io.plumbline.advantage;

import io.plumbline.base.Settings;

/**
 * A limit on the mean of a cost.
 *
 * @param name the cost function's, as metrics have it
 * @param limit what the mean over a step's completions must not be over, in the cost's own unit
 */
public record Constraint(String name, double limit) {
  public Constraint {
    Settings.check(
        Double.isFinite(limit), "The limit of the cost " + name, "a finite number", limit);
  }
}
