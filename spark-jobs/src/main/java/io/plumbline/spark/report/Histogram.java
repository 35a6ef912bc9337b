package io.plumbline.spark.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * How often values of each size occur, in one or more groups of values that share their bins.
 *
 * @param title what is counted, such as {@code Rewards}
 * @param meaning a sentence that explains it
 * @param edges of the bins, ascending, one more than there are bins; the outer two may be infinite
 * @param groups the shares of each group
 */
public record Histogram(String title, String meaning, List<Double> edges, List<Group> groups) {
  private static final int MOST_BINS = 30;

  /** Beyond it, the distance of two values may be infinite. */
  private static final double HUGE = 1e300;

  private static final MathContext DIGITS = new MathContext(9);

  public Histogram {
    Objects.requireNonNull(title, "title");
    Objects.requireNonNull(meaning, "meaning");
    edges = List.copyOf(edges);
    groups = List.copyOf(groups);
    for (Group group : groups) {
      if (group.shares().size() != edges.size() - 1) {
        throw new IllegalArgumentException("a share for each bin of " + group.name());
      }
    }
  }

  /**
   * @param name such as {@code before}
   * @param values how many values there are in all
   * @param shares of each bin, between 0 and 1
   */
  public record Group(String name, long values, List<Double> shares) {
    public Group {
      Objects.requireNonNull(name, "name");
      shares = List.copyOf(shares);
    }
  }

  /**
   * Bins of one width, a round number, over all values. Values that are not finite, or as good as
   * infinite, are left out, and so are groups without a value.
   */
  public static Histogram of(String title, String meaning, Map<String, double[]> values) {
    Map<String, double[]> finite = new LinkedHashMap<>();
    values.forEach(
        (name, group) -> {
          double[] kept = Arrays.stream(group).filter(value -> Math.abs(value) < HUGE).toArray();
          if (kept.length > 0) {
            finite.put(name, kept);
          }
        });
    double least = finite.values().stream().flatMapToDouble(Arrays::stream).min().orElse(0);
    double greatest = finite.values().stream().flatMapToDouble(Arrays::stream).max().orElse(0);
    boolean whole =
        finite.values().stream().flatMapToDouble(Arrays::stream).allMatch(v -> v == Math.rint(v));
    // Values that differ in their last digits only are one value.
    double digits = 1e-6 * Math.max(Math.abs(least), Math.abs(greatest));
    double width = width(Math.max(greatest - least, digits), whole);
    double start = Math.floor(least / width);
    int bins = (int) (Math.floor(greatest / width) - start) + 1;
    List<Double> edges = new ArrayList<>();
    for (int i = 0; i <= bins; i++) {
      edges.add(new BigDecimal((start + i) * width).round(DIGITS).doubleValue());
    }
    List<Group> groups = new ArrayList<>();
    finite.forEach(
        (name, group) -> {
          long[] counts = new long[bins];
          for (double value : group) {
            counts[Math.min(bins - 1, Math.max(0, (int) (Math.floor(value / width) - start)))]++;
          }
          groups.add(
              new Group(
                  name,
                  group.length,
                  Arrays.stream(counts).mapToObj(n -> (double) n / group.length).toList()));
        });
    return new Histogram(title, meaning, edges, groups);
  }

  /** The least of 1, 2 and 5 times a power of ten that needs no more than {@link #MOST_BINS}. */
  private static double width(double range, boolean whole) {
    if (range == 0) {
      return whole ? 1 : 0.1;
    }
    double power = Math.pow(10, Math.floor(Math.log10(range / MOST_BINS)));
    for (double factor : new double[] {1, 2, 5, 10}) {
      double width = factor * power;
      if (range / width <= MOST_BINS && (!whole || width >= 1)) {
        return width;
      }
    }
    return whole ? Math.max(1, 10 * power) : 10 * power;
  }
}
