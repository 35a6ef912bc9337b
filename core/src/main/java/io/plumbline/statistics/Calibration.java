package io.plumbline.statistics;

import java.util.List;

/**
 * How well predicted preference probabilities agree with what happened. Every function takes p, the
 * predicted probability that a pair's chosen side is preferred, within 0 and 1.
 */
public final class Calibration {
  /** Bins of equal width over the confidence, which lies within 0.5 and 1. */
  public static final int BINS = 10;

  private Calibration() {}

  /**
   * The pairs of one bin of a reliability diagram.
   *
   * @param number the bin's, as {@link #bin} gives it
   * @param share of all pairs, within 0 and 1
   * @param predicted mean confidence
   * @param observed share of the bin's pairs whose predicted side won
   */
  public record Bin(int number, double share, double predicted, double observed) {
    /** Least confidence of the bin. */
    public double from() {
      return 0.5 + 0.5 * number / BINS;
    }

    /** Greatest confidence of the bin. */
    public double to() {
      return 0.5 + 0.5 * (number + 1) / BINS;
    }
  }

  /**
   * The expected calibration error: Σ share·|predicted − observed| over the bins (Naeini et al.,
   * 2015; Guo et al., 2017, arXiv:1706.04599, equation 3).
   *
   * @param bins those that hold pairs
   */
  public static double error(List<Bin> bins) {
    return bins.stream()
        .mapToDouble(bin -> bin.share() * Math.abs(bin.predicted() - bin.observed()))
        .sum();
  }

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
