package io.plumbline.objective;

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
}
