package io.plumbline.collective;

import java.nio.FloatBuffer;

/**
 * What ranks do together. Every rank calls the same operations in the same order with buffers of
 * the same length. Each call waits until a deadline and then fails with GANG_BROKEN. Results are
 * the same bits on every rank, and the same bits again for the same world size. Not thread-safe:
 * one thread at a time.
 */
public interface Collective extends AutoCloseable {
  int rank();

  int worldSize();

  /**
   * Adds up, element by element, what all ranks hold; in place, position to limit, which stay as
   * they are. Direct buffers in native order are fastest.
   */
  void allReduceSum(FloatBuffer values);

  /** The same for a few numbers, such as counts and metrics, in double precision. */
  void allReduceSum(double[] values);

  /** Copies root's values to all ranks, in place. */
  void broadcast(FloatBuffer values, int root);

  /** Returns when all ranks have called it. */
  void barrier();

  @Override
  void close();
}
