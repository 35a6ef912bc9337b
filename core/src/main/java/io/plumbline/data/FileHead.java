package io.plumbline.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.util.Arrays;

/**
 * The first bytes of what a file holds.
 *
 * @param whole whether nothing follows them
 */
record FileHead(byte[] bytes, boolean whole) {
  static final int BYTES = 1 << 16;

  /** Leaves the stream where it was; its buffer must hold a byte more than a head has. */
  static FileHead of(BufferedInputStream input) throws IOException {
    input.mark(BYTES + 1);
    byte[] read = input.readNBytes(BYTES + 1);
    input.reset();
    return new FileHead(
        read.length > BYTES ? Arrays.copyOf(read, BYTES) : read, read.length <= BYTES);
  }

  static BufferedInputStream buffered(java.io.InputStream input) {
    return new BufferedInputStream(input, BYTES + 1);
  }
}
