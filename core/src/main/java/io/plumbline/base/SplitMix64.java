package io.plumbline.base;

/**
 * Numbers that follow from other numbers, as if at random: the finalizer of Steele, Lea and Flood,
 * "Fast splittable pseudorandom number generators" (2014). What is drawn by it depends on no order
 * of drawing, so it is the same at every world size and when a run is resumed.
 */
public final class SplitMix64 {
  private SplitMix64() {}

  /** A number for a number, one to one. */
  public static long mix(long value) {
    long z = value + 0x9e3779b97f4a7c15L;
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  /** A number that is fixed by several: {@link #mix} over each in turn. */
  public static long mixAll(long first, long... others) {
    long h = mix(first);
    for (long other : others) {
      h = mix(h ^ other);
    }
    return h;
  }
}
