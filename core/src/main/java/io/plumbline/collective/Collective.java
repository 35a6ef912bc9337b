package io.plumbline.collective;

import io.plumbline.error.PlumblineException;
import java.nio.FloatBuffer;

/**
 * What ranks do together. Every rank calls the same operations in the same order with buffers of
 * the same length. A wait for the other ranks in which nothing moves until the deadline fails with
 * GANG_BROKEN. Results are the same bits on every rank, and the same bits again for the same world
 * size, whatever carries them. Not thread-safe: one thread at a time. After a failure every call
 * fails.
 */
public interface Collective extends AutoCloseable {
  int rank();

  int worldSize();

  /**
   * Adds up, element by element, what all ranks hold; in place, position to limit, which stay as
   * they are. Direct buffers in native order are fastest.
   */
  void allReduceSum(FloatBuffer values);

  /**
   * Sums values over all ranks, in place, in double precision: for a few numbers, such as counts
   * and metrics.
   */
  void allReduceSum(double[] values);

  /** Copies root's values to all ranks, in place. */
  void broadcast(FloatBuffer values, int root);

  /** Returns when all ranks have called it. */
  void barrier();

  /**
   * Leaves for good because of a failure, and tells the other ranks: their next or present wait
   * fails with GANG_BROKEN, whose cause is {@code failure}'s code and sentence.
   */
  default void abandon(PlumblineException failure) {
    close();
  }

  /** Leaves. The other ranks fail if they still wait for something from this one. */
  @Override
  void close();
}
