package io.plumbline.reward.answer;

/**
 * How far two numbers may lie apart and still be the same answer.
 *
 * @param absolute in the numbers' own unit
 * @param relative as a share of the larger one
 */
record Tolerance(double absolute, double relative) {
  /** Forgives what floating-point arithmetic does to decimals, and nothing to whole numbers. */
  private static final double ROUNDING = 1e-9;

  static final Tolerance EXACT = new Tolerance(0, 0);

  boolean covers(ExactNumber a, ExactNumber b) {
    if (a.sameValue(b)) {
      return true;
    }
    boolean whole = a.isWhole() && b.isWhole();
    double share = Math.max(relative, whole ? 0 : ROUNDING);
    double x = a.toDouble();
    double y = b.toDouble();
    if (!Double.isFinite(x) || !Double.isFinite(y)) {
      return false; // Too large to be compared but by its digits.
    }
    double distance = Math.abs(x - y);
    return distance > 0
        ? distance <= Math.max(absolute, share * Math.max(Math.abs(x), Math.abs(y)))
        // Apart by less than a double can tell.
        : share > 0 || absolute > 0;
  }
}
