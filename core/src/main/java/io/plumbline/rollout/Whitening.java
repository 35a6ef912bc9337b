package io.plumbline.rollout;

import io.plumbline.collective.Collective;
import java.util.ArrayList;
import java.util.List;

/**
 * What brings values to mean 0 and variance 1, measured over the whole gang: the same bits on every
 * rank, whichever of them holds which completion. TRL's {@code masked_whiten}.
 *
 * @param mean of all values
 * @param scale 1/√(variance + 1e-8), the variance with n − 1 in its denominator
 */
record Whitening(double mean, double scale) {
  private static final double EPSILON = 1e-8;

  /** Whether values keep their mean. */
  enum Mean {
    REMOVED,
    KEPT
  }

  /**
   * Measures values; every rank takes part, also without any.
   *
   * @param own this rank's, by completion
   */
  static Whitening over(Collective collective, List<double[]> own) {
    // By completion, in the order of all ranks: sums do not depend on who holds which.
    List<double[]> sums = new ArrayList<>();
    for (double[] values : own) {
      double sum = 0;
      for (double value : values) {
        sum += value;
      }
      sums.add(new double[] {values.length, sum});
    }
    double count = 0;
    double total = 0;
    for (double[] row : GatheredRows.over(collective, 2, sums).rows()) {
      count += row[0];
      total += row[1];
    }
    double mean = count == 0 ? 0 : total / count;
    List<double[]> squares = new ArrayList<>();
    for (double[] values : own) {
      double sum = 0;
      for (double value : values) {
        sum += (value - mean) * (value - mean);
      }
      squares.add(new double[] {sum});
    }
    double square = 0;
    for (double[] row : GatheredRows.over(collective, 1, squares).rows()) {
      square += row[0];
    }
    return count < 2
        ? new Whitening(mean, 1)
        : new Whitening(mean, 1 / Math.sqrt(square / (count - 1) + EPSILON));
  }

  double[] of(double[] values, Mean kept) {
    double[] white = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      white[i] = (values[i] - mean) * scale + (kept == Mean.KEPT ? mean : 0);
    }
    return white;
  }
}
