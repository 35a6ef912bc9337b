package io.plumbline.storage;

import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/**
 * An object from one of its bytes on. A stream to the object's end would be cut off by the reader
 * who has enough, and all that is on its way by then was sent for nothing: megabytes, with the
 * buffers of the network between. So pieces are asked for, each of which is read to its end: large
 * ones up to where the reader expects to stop, and behind it small ones that grow.
 */
final class ObjectRange extends InputStream {
  /** A request takes as long as so many bytes do. */
  private static final int MOST_BYTES = 8 << 20;

  static final int LEAST_BYTES = 16 << 10;

  private final FSDataInputStream object;
  private final Path path;
  private final long length;
  private final long expectedEnd;

  /** Where in the object the byte behind the piece lies. */
  private long position;

  private byte[] piece = new byte[0];
  private int next;
  private int limit;
  private int pieceBehindEnd = LEAST_BYTES;

  ObjectRange(FSDataInputStream object, Path path, long length, long from, long expectedEnd) {
    this.object = object;
    this.path = path;
    this.length = length;
    this.position = from;
    this.expectedEnd = expectedEnd;
  }

  @Override
  public int read() throws IOException {
    return available() == 0 && !fetch() ? -1 : piece[next++] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int count) throws IOException {
    if (count == 0) {
      return 0;
    }
    if (available() == 0 && !fetch()) {
      return -1;
    }
    int taken = Math.min(count, available());
    System.arraycopy(piece, next, bytes, offset, taken);
    next += taken;
    return taken;
  }

  @Override
  public int available() {
    return limit - next;
  }

  /** Reads the next piece whole; says whether there is one. */
  private boolean fetch() throws IOException {
    if (position >= length) {
      return false;
    }
    long wanted = expectedEnd - position;
    if (wanted <= 0) {
      wanted = pieceBehindEnd;
      pieceBehindEnd = Math.min(MOST_BYTES, pieceBehindEnd * 2);
    }
    int size = (int) Math.min(Math.min(wanted, MOST_BYTES), length - position);
    if (piece.length < size) {
      piece = new byte[size];
    }
    next = 0;
    limit = 0;
    object.seek(position);
    for (int attempt = 1; limit < size; ) {
      int n = object.read(piece, limit, size - limit);
      if (n > 0) {
        limit += n;
        position += n;
      } else if (n < 0) {
        WholeObject.connectAgain(object, path, position, length, attempt++);
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    object.close();
  }
}
