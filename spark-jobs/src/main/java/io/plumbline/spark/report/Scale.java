package io.plumbline.spark.report;

import java.util.ArrayList;
import java.util.List;

/**
 * A linear axis of a drawing: values from {@code low} to {@code high} at places from {@code from}
 * to {@code to}.
 */
record Scale(double low, double high, double from, double to) {
  private static final int ABOUT_TICKS = 4;

  /** A scale that holds all values, with a little room at both ends. */
  static Scale around(List<Double> values, double from, double to) {
    double low = values.stream().mapToDouble(v -> v).min().orElse(0);
    double high = values.stream().mapToDouble(v -> v).max().orElse(1);
    double room = high > low ? 0.06 * (high - low) : Math.max(Math.abs(high) * 0.1, 0.5);
    return new Scale(low - room, high + room, from, to);
  }

  double at(double value) {
    return from + (value - low) / (high - low) * (to - from);
  }

  /** Round values within the scale, a few. */
  List<Double> ticks() {
    double rough = (high - low) / ABOUT_TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = power;
    for (double factor : new double[] {2, 5, 10}) {
      if (step < rough) {
        step = factor * power;
      }
    }
    List<Double> ticks = new ArrayList<>();
    for (double tick = Math.ceil(low / step) * step; tick <= high; tick += step) {
      // What is left of the additions at 0 is no value.
      ticks.add(Math.abs(tick) < step * 1e-9 ? 0.0 : tick);
    }
    return ticks;
  }
}
