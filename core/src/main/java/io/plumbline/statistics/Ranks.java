package io.plumbline.statistics;

import java.util.Comparator;
import java.util.stream.IntStream;

/** The order of numbers. */
public final class Ranks {
  private Ranks() {}

  /** Positions of the values from the smallest to the largest; equal values keep their order. */
  public static int[] ascending(double[] values) {
    return IntStream.range(0, values.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> values[i]))
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
