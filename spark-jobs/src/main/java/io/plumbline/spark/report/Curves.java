package io.plumbline.spark.report;

import io.plumbline.spark.run.MetricsFile;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A run's metrics over its steps, thinned where there are many: a point then stands for several
 * steps, with their mean, their least value and their greatest, so that no peak is lost.
 *
 * @param stepsPerPoint 1 where nothing is thinned
 * @param first the first step of each point
 * @param last the last step of each point
 */
public record Curves(int stepsPerPoint, List<Long> first, List<Long> last, List<Curve> curves) {
  /** Points that a curve keeps at most. */
  static final int MOST_POINTS = 1000;

  /** A page needs no more digits, and every one of them is in it a hundred thousand times. */
  private static final MathContext DIGITS = new MathContext(6);

  private static final String STEP = "step";

  public Curves {
    first = List.copyOf(first);
    last = List.copyOf(last);
    curves = List.copyOf(curves);
  }

  /**
   * One metric, a value a point. A point where the metric was not taken is null. One at which it
   * was never finite is that value, such as NaN; of others, the values that are not finite are left
   * out.
   *
   * @param least empty where nothing is thinned, and then the mean is the value
   * @param greatest likewise
   * @param notFinite how many of its values are not finite
   */
  public record Curve(
      String metric, List<Double> mean, List<Double> least, List<Double> greatest, long notFinite) {
    public Curve {
      Objects.requireNonNull(metric, "metric");
      // List.copyOf takes no null.
      mean = Collections.unmodifiableList(new ArrayList<>(mean));
      least = Collections.unmodifiableList(new ArrayList<>(least));
      greatest = Collections.unmodifiableList(new ArrayList<>(greatest));
    }
  }

  /**
   * @param steps the metrics of each step by name, with its number, as {@link MetricsFile} reads
   *     them
   * @param shown which metrics are curves
   */
  public static Curves of(List<Map<String, Double>> steps, Predicate<String> shown) {
    int bucket = Math.max(1, (steps.size() + MOST_POINTS - 1) / MOST_POINTS);
    Set<String> names = new LinkedHashSet<>();
    steps.forEach(step -> names.addAll(step.keySet()));
    names.remove(STEP);
    names.removeIf(shown.negate());

    List<List<Map<String, Double>>> points = new ArrayList<>();
    for (int from = 0; from < steps.size(); from += bucket) {
      points.add(steps.subList(from, Math.min(steps.size(), from + bucket)));
    }
    return new Curves(
        bucket,
        points.stream().map(point -> step(point.get(0))).toList(),
        points.stream().map(point -> step(point.get(point.size() - 1))).toList(),
        names.stream().map(name -> curve(name, points, bucket)).toList());
  }

  private static long step(Map<String, Double> line) {
    return Math.round(line.get(STEP));
  }

  private static Curve curve(String name, List<List<Map<String, Double>>> points, int bucket) {
    List<Double> mean = new ArrayList<>();
    List<Double> least = new ArrayList<>();
    List<Double> greatest = new ArrayList<>();
    long notFinite = 0;
    for (List<Map<String, Double>> point : points) {
      Spread spread = new Spread();
      point.stream().map(step -> step.get(name)).filter(Objects::nonNull).forEach(spread::add);
      notFinite += spread.notFinite;
      mean.add(spread.mean());
      if (bucket > 1) {
        least.add(spread.count > 0 ? rounded(spread.least) : null);
        greatest.add(spread.count > 0 ? rounded(spread.greatest) : null);
      }
    }
    return new Curve(name, mean, least, greatest, notFinite);
  }

  private static double rounded(double value) {
    return new BigDecimal(value).round(DIGITS).doubleValue();
  }

  private static final class Spread {
    private long count;
    private long notFinite;
    private double sum;
    private double least = Double.POSITIVE_INFINITY;
    private double greatest = Double.NEGATIVE_INFINITY;
    private double strange;

    void add(double value) {
      if (!Double.isFinite(value)) {
        notFinite++;
        strange += value;
        return;
      }
      count++;
      sum += value;
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
    }

    Double mean() {
      if (count > 0) {
        return Double.isFinite(sum) ? rounded(sum / count) : rounded(greatest);
      }
      return notFinite > 0 ? strange : null;
    }
  }
}
