package io.plumbline.base;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;

/** Checks of what a user sets. */
public final class Settings {
  private Settings() {}

  /** Fails with BAD_USAGE, saying what range the setting has. */
  public static void check(boolean fits, String name, String range, double value) {
    if (!fits) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, name + " must be " + range + ", and " + value + " was given.");
    }
  }

  public static void positive(String name, double value) {
    check(value > 0 && Double.isFinite(value), name, "over 0", value);
  }

  public static void notNegative(String name, double value) {
    check(value >= 0 && Double.isFinite(value), name, "0 or more", value);
  }
}
