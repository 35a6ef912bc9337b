package io.plumbline.spark.mine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;

/** Mean, deviation and extremes of numbers that come one by one (Welford 1962, Chan 1979). */
final class Spread implements Serializable {
  private static final long serialVersionUID = 1L;

  private long count;
  private double mean;
  private double squares;
  private double min = Double.POSITIVE_INFINITY;
  private double max = Double.NEGATIVE_INFINITY;

  void add(double value) {
    count++;
    double off = value - mean;
    mean += off / count;
    squares += off * (value - mean);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }

  void add(Spread other) {
    if (other.count == 0) {
      return;
    }
    long both = count + other.count;
    double off = other.mean - mean;
    squares += other.squares + off * off * ((double) count * other.count / both);
    mean += off * other.count / both;
    min = Math.min(min, other.min);
    max = Math.max(max, other.max);
    count = both;
  }

  long count() {
    return count;
  }

  double min() {
    return min;
  }

  double max() {
    return max;
  }

  /** Puts them under a name; nothing where there were no numbers. */
  void write(ObjectNode json, String name) {
    if (count > 0) {
      json.putObject(name)
          .put("mean", mean)
          .put("std", Math.sqrt(squares / count))
          .put("min", min)
          .put("max", max);
    }
  }
}
