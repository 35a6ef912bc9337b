package io.plumbline.storage;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.StreamCapabilities;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An object from its start to its end. A connection that breaks within an answer can look like the
 * end of the object; the length tells them apart.
 */
final class WholeObject extends InputStream {
  private static final Logger LOG = LoggerFactory.getLogger(WholeObject.class);

  private final FSDataInputStream object;
  private final Path path;
  private final long length;
  private long position;

  WholeObject(FSDataInputStream object, Path path, long length) {
    this.object = object;
    this.path = path;
    this.length = length;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int count) throws IOException {
    for (int attempt = 1; ; attempt++) {
      int n = object.read(bytes, offset, count);
      if (n >= 0) {
        position += n;
        return n;
      }
      if (position >= length) {
        return -1;
      }
      connectAgain(object, path, position, length, attempt);
    }
  }

  /** By a seek: what is passed over is not read. */
  @Override
  public long skip(long count) throws IOException {
    long skipped = Math.max(0, Math.min(count, length - position));
    if (skipped > 0) {
      object.seek(position + skipped);
      position += skipped;
    }
    return skipped;
  }

  @Override
  public void close() throws IOException {
    object.close();
  }

  /** Drops the connection of a stream that ended too soon, so that the next read makes another. */
  static void connectAgain(
      FSDataInputStream object, Path path, long position, long length, int attempt)
      throws IOException {
    if (attempt >= HadoopBackend.READ_ATTEMPTS
        || !object.hasCapability(StreamCapabilities.UNBUFFER)) {
      throw new EOFException(
          "the answer ended at byte " + position + " of " + length + ", " + attempt + " times");
    }
    LOG.debug("{} ended at byte {} of {}; reading on", path, position, length);
    object.unbuffer();
  }
}
