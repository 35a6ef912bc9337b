package io.plumbline.storage;

import java.nio.ByteBuffer;

/** A file open for reading at any position. Safe to use from several threads at once. */
public interface SeekableInput extends AutoCloseable {
  /** Bytes in the file. */
  long length();

  /**
   * Fills {@code target} from its position to its limit with the bytes that start at {@code
   * position} in the file; fails with STORAGE_FAILED where the file ends before.
   */
  void readFully(long position, ByteBuffer target);

  @Override
  void close();
}
