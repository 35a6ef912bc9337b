package io.plumbline.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import java.util.zip.ZipException;

/**
 * The content of all members of gzip data (RFC 1952), as {@code zcat} gives it. The JDK's own
 * stream ends early where the bytes behind a member have not come yet (JDK-7036144), and takes a
 * member that was cut off within its header for the end. Zeros behind the last member are padding,
 * as gzip has it; other bytes there are refused.
 */
final class GzipMembers extends InputStream {
  private static final int MAGIC_1 = 0x1f;
  private static final int MAGIC_2 = 0x8b;
  private static final int DEFLATED = 8;
  private static final int HEADER_CRC = 2;
  private static final int EXTRA = 4;
  private static final int NAME = 8;
  private static final int COMMENT = 16;

  private final InputStream source;
  private final Inflater inflater = new Inflater(/* nowrap= */ true);
  private final CRC32 crc = new CRC32();
  private final byte[] buffer = new byte[1 << 16];
  private int next;
  private int limit;
  private long members;
  private boolean inMember;
  private boolean ended;

  GzipMembers(InputStream source) {
    this.source = source;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int count) throws IOException {
    if (count == 0) {
      return 0;
    }
    while (!ended) {
      if (!inMember && !beginMember()) {
        ended = true;
        break;
      }
      int n = inflate(bytes, offset, count);
      if (n > 0) {
        crc.update(bytes, offset, n);
        return n;
      }
      if (inflater.finished()) {
        endMember();
      } else if (inflater.needsDictionary()) {
        throw new ZipException("its gzip data needs a dictionary");
      } else if (inflater.needsInput()) {
        if (next == limit && !fill()) {
          throw cutOff();
        }
        inflater.setInput(buffer, next, limit - next);
        next = limit;
      }
    }
    return -1;
  }

  private int inflate(byte[] bytes, int offset, int count) throws IOException {
    try {
      return inflater.inflate(bytes, offset, count);
    } catch (DataFormatException e) {
      throw damaged(e.getMessage() == null ? "not deflated data" : e.getMessage(), e);
    }
  }

  /** Reads a member's header; says whether there is one. */
  private boolean beginMember() throws IOException {
    int first = byteOrEnd();
    if (members > 0) {
      if (first < 0) {
        return false;
      }
      if (first == 0) {
        requirePadding();
        return false;
      }
    }
    if (first != MAGIC_1 || byteOrEnd() != MAGIC_2) {
      throw behindLastMember();
    }
    if (oneByte() != DEFLATED) {
      throw damaged("a method of compression that gzip does not have", null);
    }
    int flags = oneByte();
    skip(6); // Time, level and system.
    if ((flags & EXTRA) != 0) {
      skip(twoBytes());
    }
    if ((flags & NAME) != 0) {
      skipText();
    }
    if ((flags & COMMENT) != 0) {
      skipText();
    }
    if ((flags & HEADER_CRC) != 0) {
      skip(2);
    }
    inflater.reset();
    crc.reset();
    inMember = true;
    return true;
  }

  private void endMember() throws IOException {
    next = limit - inflater.getRemaining();
    long sum = fourBytes();
    long length = fourBytes();
    if (sum != crc.getValue() || length != (inflater.getBytesWritten() & 0xffffffffL)) {
      throw damaged("a checksum does not fit", null);
    }
    members++;
    inMember = false;
  }

  private void requirePadding() throws IOException {
    for (int b = byteOrEnd(); b >= 0; b = byteOrEnd()) {
      if (b != 0) {
        throw behindLastMember();
      }
    }
  }

  private ZipException behindLastMember() {
    return new ZipException(
        "behind gzip member " + members + " stand bytes that are no gzip data and no padding");
  }

  private ZipException damaged(String what, Exception cause) {
    ZipException e = new ZipException("gzip member " + (members + 1) + " is damaged: " + what);
    e.initCause(cause);
    return e;
  }

  private EOFException cutOff() {
    return new EOFException("its gzip data is cut off within member " + (members + 1));
  }

  private boolean fill() throws IOException {
    next = 0;
    limit = Math.max(0, source.read(buffer, 0, buffer.length));
    return limit > 0;
  }

  private int byteOrEnd() throws IOException {
    return next < limit || fill() ? buffer[next++] & 0xff : -1;
  }

  private int oneByte() throws IOException {
    int b = byteOrEnd();
    if (b < 0) {
      throw cutOff();
    }
    return b;
  }

  private int twoBytes() throws IOException {
    int low = oneByte();
    return low | oneByte() << 8;
  }

  private long fourBytes() throws IOException {
    long low = twoBytes();
    return low | (long) twoBytes() << 16;
  }

  private void skip(int bytes) throws IOException {
    for (int i = 0; i < bytes; i++) {
      oneByte();
    }
  }

  private void skipText() throws IOException {
    int b = oneByte();
    while (b != 0) {
      b = oneByte();
    }
  }

  @Override
  public void close() throws IOException {
    inflater.end();
    source.close();
  }
}
