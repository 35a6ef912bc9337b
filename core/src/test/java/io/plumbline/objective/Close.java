package io.plumbline.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

/** Equal to what Python computed, within 1e-5 of the larger of 1 and the value. */
public final class Close {
  private Close() {}

  public static void check(String what, double actual, double expected) {
    assertThat(actual).as(what).isCloseTo(expected, within(1e-5 * Math.max(1, Math.abs(expected))));
  }
}
