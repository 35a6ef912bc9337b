package io.plumbline.data;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * Goes over a struct in Thrift's compact protocol without making anything of it, to find out
 * whether its lists and texts fit into its bytes. Readers make room for a list's elements before
 * they read them, and a broken one claims up to 2^31.
 *
 * @see <a href="https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md">
 *     Thrift's compact protocol</a>
 */
final class ThriftScan {
  private static final int MAX_DEPTH = 64;
  private static final int MAX_VARINT_BYTES = 10;

  private static final int STOP = 0;
  private static final int TRUE = 1;
  private static final int FALSE = 2;
  private static final int BYTE = 3;
  private static final int DOUBLE = 7;
  private static final int BINARY = 8;
  private static final int LIST = 9;
  private static final int SET = 10;
  private static final int MAP = 11;
  private static final int STRUCT = 12;
  private static final int UUID = 13;

  private final ByteBuffer bytes;

  private ThriftScan(ByteBuffer bytes) {
    this.bytes = bytes;
  }

  /**
   * Goes over the struct that begins at the buffer's position.
   *
   * @throws IllegalArgumentException with what is wrong with it
   */
  static void requireSound(ByteBuffer bytes) {
    try {
      new ThriftScan(bytes.duplicate()).struct(0);
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("it ends in the middle of a value", e);
    }
  }

  private void struct(int depth) {
    requireDepth(depth);
    for (int header = bytes.get() & 0xff; (header & 0xf) != STOP; header = bytes.get() & 0xff) {
      if (header >> 4 == 0) {
        varint();
      }
      int type = header & 0xf;
      // The value of a truth value is its type.
      if (type != TRUE && type != FALSE) {
        value(type, depth);
      }
    }
  }

  private void value(int type, int depth) {
    switch (type) {
      case TRUE, FALSE, BYTE -> skip(1);
      case 4, 5, 6 -> varint();
      case DOUBLE -> skip(8);
      case BINARY -> skip(varint());
      case LIST, SET -> {
        int header = bytes.get() & 0xff;
        long size = header >> 4 == 0xf ? varint() : header >> 4;
        elements(size, header & 0xf, depth);
      }
      case MAP -> {
        long size = varint();
        if (size != 0) {
          int types = bytes.get() & 0xff;
          requireFits(size);
          requireDepth(depth);
          for (long i = 0; i < size; i++) {
            value(types >> 4, depth + 1);
            value(types & 0xf, depth + 1);
          }
        }
      }
      case STRUCT -> struct(depth + 1);
      case UUID -> skip(16);
      default -> throw new IllegalArgumentException("it has a value of no known type");
    }
  }

  private void elements(long size, int type, int depth) {
    requireFits(size);
    requireDepth(depth);
    for (long i = 0; i < size; i++) {
      value(type, depth + 1);
    }
  }

  private static void requireDepth(int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException("it is nested more than %d deep".formatted(MAX_DEPTH));
    }
  }

  /** An element takes a byte at least. */
  private void requireFits(long size) {
    if (size < 0 || size > bytes.remaining()) {
      throw new IllegalArgumentException(
          "a list claims %d elements where %d bytes are left".formatted(size, bytes.remaining()));
    }
  }

  private void skip(long count) {
    if (count < 0 || count > bytes.remaining()) {
      throw new IllegalArgumentException(
          "a value claims %d bytes where %d are left".formatted(count, bytes.remaining()));
    }
    bytes.position(bytes.position() + (int) count);
  }

  private long varint() {
    long value = 0;
    for (int i = 0; i < MAX_VARINT_BYTES; i++) {
      int b = bytes.get();
      value |= (long) (b & 0x7f) << (7 * i);
      if (b >= 0) {
        return value;
      }
    }
    throw new IllegalArgumentException("a number in it has no end");
  }
}
