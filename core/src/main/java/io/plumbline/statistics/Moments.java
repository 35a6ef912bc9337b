package io.plumbline.statistics;

/**
 * Mean and deviation of the values that are numbers.
 *
 * @param count how many are; NaN is not counted
 * @param mean exactly the value where all are equal; 0 where there is none
 * @param deviation with n − 1 in the denominator, as TRL's; 0 where fewer than two values are
 *     numbers
 */
public record Moments(int count, double mean, double deviation) {
  /** Of all values. */
  public static Moments of(double[] values) {
    return of(values, 0, values.length);
  }

  /** Of the values from {@code from} up to, and without, {@code to}. */
  public static Moments of(double[] values, int from, int to) {
    int count = 0;
    double first = 0;
    // Sums of differences from the first value, so that equal values leave no rounding behind.
    double sum = 0;
    for (int i = from; i < to; i++) {
      if (!Double.isNaN(values[i])) {
        first = count == 0 ? values[i] : first;
        sum += values[i] - first;
        count++;
      }
    }
    double mean = count == 0 ? 0 : first + sum / count;
    double squares = 0;
    for (int i = from; i < to; i++) {
      if (!Double.isNaN(values[i])) {
        squares += (values[i] - mean) * (values[i] - mean);
      }
    }
    return new Moments(count, mean, count < 2 ? 0 : Math.sqrt(squares / (count - 1)));
  }
}
