package io.plumbline.train;

import io.plumbline.collective.Collective;
import java.util.Arrays;
import java.util.List;

/**
 * Numbers of every completion of a round, from all ranks, in the order of their prompts' slots: the
 * same on every rank and, up to rounding, at every world size.
 *
 * @param groupSize completions of a prompt, which stand together
 * @param first the place of this rank's first completion
 * @param own how many of them are this rank's
 * @param rows by completion
 */
record RolloutTable(int groupSize, int first, int own, double[][] rows) {

  /**
   * Gathers over all ranks, each of which holds prompts of consecutive slots.
   *
   * @param width numbers of a completion
   * @param own those of this rank's completions; a NaN stays one
   */
  static RolloutTable gather(Collective collective, int groupSize, int width, List<double[]> own) {
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
    for (int i = 0; i < total; i++) {
      rows[i] = Arrays.copyOfRange(flat, i * width, (i + 1) * width);
    }
    return new RolloutTable(groupSize, first, own.size(), rows);
  }

  int groups() {
    return rows.length / groupSize;
  }

  int firstGroup() {
    return first / groupSize;
  }

  /** One number of every completion. */
  double[] column(int i) {
    return Arrays.stream(rows).mapToDouble(row -> row[i]).toArray();
  }
}
