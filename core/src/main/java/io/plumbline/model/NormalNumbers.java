package io.plumbline.model;

import java.util.SplittableRandom;

/** Normal numbers that are the same on every Java. */
final class NormalNumbers {
  private NormalNumbers() {}

  /** The next one with mean 0, by Box and Muller's method. */
  static double next(SplittableRandom random, double deviation) {
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
    double angle = 2 * Math.PI * random.nextDouble();
    return deviation * radius * StrictMath.cos(angle);
  }
}
