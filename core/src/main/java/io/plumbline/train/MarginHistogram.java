package io.plumbline.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * How the margins of held-out pairs are spread: counts of fixed bins, which add up over ranks and
 * micro-batches. The bins are narrow around 0, where a pair changes sides, and wide far from it.
 */
public final class MarginHistogram {
  /** Metrics are {@code margin_histogram/I}, the share of pairs in bin I. */
  public static final String METRIC = "margin_histogram/";

  private static final double[] INNER_EDGES = {
    -20, -10, -5, -2, -1, -0.5, -0.2, -0.1, 0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20
  };

  /** The sum that counts each bin's pairs. */
  static final List<String> SUMS = sums();

  private MarginHistogram() {}

  /** Edges of the bins, ascending, the outer two infinite; a bin holds its lower edge. */
  public static List<Double> edges() {
    List<Double> edges = new ArrayList<>();
    edges.add(Double.NEGATIVE_INFINITY);
    Arrays.stream(INNER_EDGES).forEach(edges::add);
    edges.add(Double.POSITIVE_INFINITY);
    return List.copyOf(edges);
  }

  /** Counts a margin; one that is not a number belongs nowhere. */
  static void add(Sums sums, double margin) {
    if (!Double.isNaN(margin)) {
      sums.add(SUMS.get(bin(margin)), 1);
    }
  }

  static int bin(double margin) {
    int bin = 0;
    while (bin < INNER_EDGES.length && margin >= INNER_EDGES[bin]) {
      bin++;
    }
    return bin;
  }

  /** Adds the share of each bin that holds any of {@code pairs} pairs. */
  static void put(Map<String, Double> metrics, Sums sums, double pairs) {
    for (int bin = 0; bin < SUMS.size(); bin++) {
      double count = sums.of(SUMS.get(bin));
      if (count > 0) {
        metrics.put(METRIC + bin, count / pairs);
      }
    }
  }

  private static List<String> sums() {
    List<String> sums = new ArrayList<>();
    for (int bin = 0; bin <= INNER_EDGES.length; bin++) {
      sums.add("margins_in_bin/" + bin);
    }
    return List.copyOf(sums);
  }
}
