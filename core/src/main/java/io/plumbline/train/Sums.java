package io.plumbline.train;

import java.util.Arrays;
import java.util.List;

/**
 * Named sums over the rows of a step. Every rank has the same names in the same order, so that the
 * sums of all ranks add up in one all-reduce, whichever rows a rank has.
 */
public final class Sums {
  private final List<String> names;
  private final double[] values;

  public Sums(List<String> names) {
    this.names = List.copyOf(names);
    this.values = new double[names.size()];
  }

  public void add(String name, double value) {
    values[place(name)] += value;
  }

  public double of(String name) {
    return values[place(name)];
  }

  /** of(numerator) / of(denominator), or 0 where the denominator is 0. */
  public double ratio(String numerator, String denominator) {
    double d = of(denominator);
    return d == 0 ? 0 : of(numerator) / d;
  }

  /** The sums themselves, by place: what the all-reduce works on. */
  double[] values() {
    return values;
  }

  void clear() {
    Arrays.fill(values, 0);
  }

  private int place(String name) {
    int place = names.indexOf(name);
    if (place < 0) {
      throw new IllegalArgumentException("no sum is named " + name + ", only " + names);
    }
    return place;
  }
}
