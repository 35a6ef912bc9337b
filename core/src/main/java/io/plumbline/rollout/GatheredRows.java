package io.plumbline.rollout;

import io.plumbline.collective.Collective;
import java.util.Arrays;
import java.util.List;

/**
 * Rows of numbers from all ranks, one rank's behind the other's: the same on every rank.
 *
 * @param first the place of this rank's first row
 * @param rows of all ranks
 */
record GatheredRows(int first, List<double[]> rows) {
  /**
   * Gathers over all ranks; every rank takes part, also without any row.
   *
   * @param width numbers of a row
   * @param own this rank's rows; a NaN stays one
   */
  static GatheredRows over(Collective collective, int width, List<double[]> own) {
    double[] counts = new double[collective.worldSize()];
    counts[collective.rank()] = own.size();
    collective.allReduceSum(counts);
    int total = (int) Arrays.stream(counts).sum();
    int first = (int) Arrays.stream(counts, 0, collective.rank()).sum();
    double[] flat = new double[total * width];
    for (int i = 0; i < own.size(); i++) {
      System.arraycopy(own.get(i), 0, flat, (first + i) * width, width);
    }
    collective.allReduceSum(flat);
    double[][] rows = new double[total][];
    Arrays.setAll(rows, i -> Arrays.copyOfRange(flat, i * width, (i + 1) * width));
    return new GatheredRows(first, List.of(rows));
  }
}
