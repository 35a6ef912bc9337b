package io.plumbline.objective;

/**
 * How well predicted preference probabilities agree with what happened. Every function takes p, the
 * predicted probability that a pair's chosen side is preferred, within 0 and 1.
 */
public final class Calibration {
  /** Bins of equal width over the confidence, which lies within 0.5 and 1. */
  public static final int BINS = 10;

  private Calibration() {}

  /** How sure the prediction is of whichever side it takes: max(p, 1 − p). */
  public static double confidence(double probability) {
    return Math.max(checked(probability), 1 - probability);
  }

  /** The pair's part of the Brier score (Brier, 1950), whose mean over pairs it is: (1 − p)². */
  public static double brier(double probability) {
    double missing = 1 - checked(probability);
    return missing * missing;
  }

  /**
   * The bin of a reliability diagram that the pair belongs to, from 0 to {@link #BINS} − 1: bin i
   * holds confidences from 0.5 + 0.05·i, inclusive, to 0.5 + 0.05·(i + 1); the last holds 1 too.
   */
  public static int bin(double probability) {
    double share = (confidence(probability) - 0.5) / 0.5;
    return Math.min((int) (share * BINS), BINS - 1);
  }

  private static double checked(double probability) {
    if (!(probability >= 0 && probability <= 1)) {
      throw new IllegalArgumentException("a probability lies within 0 and 1, not " + probability);
    }
    return probability;
  }
}
