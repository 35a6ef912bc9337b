package io.plumbline.data;

import io.plumbline.base.SplitMix64;

/**
 * In which order an epoch visits the rows: a permutation of 0 to n-1, computed for each row alone,
 * so that no machine needs to hold or sort the others.
 *
 * <p>The shuffled order is a Feistel network over the smallest 2·h-bit numbers that hold n-1 (h at
 * least 1), walked until the value is below n. A value is split into a left and a right half of h
 * bits. Each of the eight rounds i = 0…7 replaces (left, right) by (right, left xor the low h bits
 * of m(m(m(m(seed) + epoch) + i) + right)), where m is the finalizer of SplitMix64 on z + {@code
 * 0x9E3779B97F4A7C15} (Steele, Lea and Flood, 2014, "Fast splittable pseudorandom number
 * generators"), all sums modulo 2⁶⁴. This is format 1 of the order.
 *
 * <p>The order of one source of a mixture is the same with m(m(m(seed xor {@code
 * 0x706C756D626C696E}) + source) + round) in the place of m(m(seed) + epoch).
 */
final class EpochOrder {
  private static final int ROUNDS = 8;

  /** Keeps the orders of sources apart from those of epochs. */
  private static final long SOURCES = 0x706C756D626C696EL;

  private final long rows;
  private final int halfBits;
  private final long halfMask;
  private final long[] roundKeys;

  private EpochOrder(long rows, long[] roundKeys) {
    this.rows = rows;
    int bits = 64 - Long.numberOfLeadingZeros(Math.max(1, rows - 1));
    this.halfBits = Math.max(1, (bits + 1) / 2);
    this.halfMask = (1L << halfBits) - 1;
    this.roundKeys = roundKeys;
  }

  /** The order in which the rows stand in the input. */
  static EpochOrder ofInput(long rows) {
    return new EpochOrder(rows, new long[0]);
  }

  /** Another order for each seed and each epoch. */
  static EpochOrder shuffled(long rows, long seed, long epoch) {
    return keyed(rows, SplitMix64.mix(SplitMix64.mix(seed) + epoch));
  }

  /** Another order for each seed, source of a mixture and round through its rows. */
  static EpochOrder ofSource(long rows, long seed, int source, long round) {
    return keyed(
        rows, SplitMix64.mix(SplitMix64.mix(SplitMix64.mix(seed ^ SOURCES) + source) + round));
  }

  private static EpochOrder keyed(long rows, long key) {
    long[] roundKeys = new long[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
      roundKeys[i] = SplitMix64.mix(key + i);
    }
    return new EpochOrder(rows, roundKeys);
  }

  /** The place in the epoch of the row at {@code index} of the input. */
  long position(long index) {
    if (index < 0 || index >= rows) {
      throw new IllegalArgumentException("row " + index + " of " + rows);
    }
    if (roundKeys.length == 0) {
      return index;
    }
    long value = index;
    do {
      value = permute(value);
    } while (value >= rows);
    return value;
  }

  private long permute(long value) {
    long left = value >>> halfBits;
    long right = value & halfMask;
    for (long key : roundKeys) {
      long next = left ^ (SplitMix64.mix(key + right) & halfMask);
      left = right;
      right = next;
    }
    return (left << halfBits) | right;
  }
}
