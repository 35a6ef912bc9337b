package io.plumbline.objective;

/** Checks of the constants of objectives. */
public final class Require {
  private Require() {}

  public static double positive(String name, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " must be over 0 and finite, not " + value);
    }
    return value;
  }

  public static double finite(String name, double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be finite, not " + value);
    }
    return value;
  }

  public static double notNegative(String name, double value) {
    if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " must be 0 or more and finite, not " + value);
    }
    return value;
  }

  /** Over a half would say that most labels are wrong: then swap the columns. */
  public static double labelSmoothing(double value) {
    if (!(value >= 0 && value <= 0.5)) {
      throw new IllegalArgumentException("label smoothing must be within 0 and 0.5, not " + value);
    }
    return value;
  }
}
