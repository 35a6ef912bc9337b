package io.plumbline.data;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Several sources of rows, and in which proportion a run trains on them.
 *
 * <p>The sources' rows stand one after the other in the input. An epoch has as many places as there
 * are rows; the sources share them by weight (the largest remainders are rounded up, and each
 * source has at least one). A source fills its places with its rows in rounds: every row once
 * before any row a second time. A round continues from one epoch to the next, so a source with
 * fewer rows than places repeats within an epoch, and one with more is seen in parts.
 *
 * @param rows rows of each source, at least one
 * @param weights of each source, above 0; only their proportion counts
 */
public record Mixture(List<Long> rows, List<Double> weights) implements Serializable {
  /** Fails with BAD_DATA for a source without rows, with BAD_USAGE for a weight that is none. */
  public Mixture {
    rows = List.copyOf(rows);
    weights = List.copyOf(weights);
    if (rows.isEmpty() || rows.size() != weights.size()) {
      throw new IllegalArgumentException(rows.size() + " sources, " + weights.size() + " weights");
    }
    for (int source = 0; source < rows.size(); source++) {
      double weight = weights.get(source);
      if (!(weight > 0) || Double.isInfinite(weight)) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "Source "
                + (source + 1)
                + " of the data has the weight "
                + weight
                + "; give a number above 0, or leave the source out");
      }
      if (rows.get(source) < 1) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "Source "
                + (source + 1)
                + " of the data has the weight "
                + weight
                + " and no row to train on; give it rows or leave it out");
      }
    }
  }

  /** Rows of all sources, and places of an epoch. */
  public long totalRows() {
    return rows.stream().mapToLong(Long::longValue).sum();
  }

  /** Places of an epoch that each source fills. */
  public List<Long> places() {
    long all = totalRows();
    // Over the largest first, as the sum of weights may be too large for a double.
    double largest = weights.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    double sum = weights.stream().mapToDouble(weight -> weight / largest).sum();
    int sources = rows.size();
    long[] places = new long[sources];
    double[] remainders = new double[sources];
    long left = all;
    for (int source = 0; source < sources; source++) {
      double share = weights.get(source) / largest / sum * all;
      places[source] = Math.min(left, (long) Math.floor(share));
      remainders[source] = share - places[source];
      left -= places[source];
    }
    List<Integer> byRemainder =
        IntStream.range(0, sources)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer s) -> -remainders[s]))
            .toList();
    for (int next = 0; left > 0; next = (next + 1) % sources, left--) {
      places[byRemainder.get(next)]++;
    }
    for (int source = 0; source < sources; source++) {
      if (places[source] == 0) {
        int most = 0;
        for (int other = 1; other < sources; other++) {
          most = places[other] > places[most] ? other : most;
        }
        places[most]--;
        places[source]++;
      }
    }
    List<Long> result = new ArrayList<>();
    for (long place : places) {
      result.add(place);
    }
    return result;
  }
}
