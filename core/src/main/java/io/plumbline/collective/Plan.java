package io.plumbline.collective;

/**
 * How sums are ordered. Shared by all implementations, so that a gang in one process and a gang on
 * many hosts give the same bits.
 *
 * <p>Up to {@link #SMALL_BYTES}, values are added from rank 0 to the last. Above, they are cut into
 * one segment a rank, and segment j is added from rank j onwards, wrapping around: the order in
 * which a ring passes it on.
 */
final class Plan {
  /** A message up to this size goes to all peers at once instead of around the ring. */
  static final int SMALL_BYTES = 16 << 10;

  static final int SMALL_FLOATS = SMALL_BYTES / Float.BYTES;
  static final int SMALL_DOUBLES = SMALL_BYTES / Double.BYTES;

  private Plan() {}

  /** The first element of a segment; {@code segment} may equal {@code segments}: the length. */
  static int start(long length, int segment, int segments) {
    return (int) (length * segment / segments);
  }

  static int length(long length, int segment, int segments) {
    return start(length, segment + 1, segments) - start(length, segment, segments);
  }

  static void add(float[] into, float[] values, int count) {
    for (int i = 0; i < count; i++) {
      into[i] += values[i];
    }
  }
}
