package io.plumbline.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.Supplier;

/** JSON lines. A line belongs to the slice in which its first byte lies. */
final class LineReader extends DataFileReader {
  private final InputStream input;
  private final long start;
  private final long end;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int bufferPosition;
  private int bufferLimit;

  /** Where in the (uncompressed) file the next byte lies. */
  private long position;

  private long line;
  private long lineEnds;
  private byte[] pending = new byte[4096];
  private int pendingSize;

  /**
   * Over a slice.
   *
   * @param input at the byte before the slice's first, or at the file's start
   */
  LineReader(FileSlice slice, InputStream input) throws IOException {
    super(slice);
    this.input = input;
    this.start = slice.start();
    this.end = slice.end();
    this.line = slice.before();
    if (start > 0) {
      // The line that runs into the slice belongs to the slice before it.
      position = start - 1;
      skipLine();
      line += lineEnds;
    }
  }

  private int readByte() throws IOException {
    if (bufferPosition == bufferLimit) {
      bufferLimit = Math.max(0, input.read(buffer, 0, buffer.length));
      bufferPosition = 0;
      if (bufferLimit == 0) {
        return -1;
      }
    }
    position++;
    return buffer[bufferPosition++] & 0xff;
  }

  /** Counts the end of a line that was read last. */
  private void lineEnded() {
    if (position > start && position <= end) {
      lineEnds++;
    }
  }

  /** Reads to the end of the line or of the slice, where nothing can begin any more. */
  private void skipLine() throws IOException {
    int b = readByte();
    while (b >= 0 && b != '\n' && position < end) {
      b = readByte();
    }
    if (b == '\n') {
      lineEnded();
    }
  }

  @Override
  Optional<RawRow> read() throws IOException {
    while (position < end) {
      long first = position;
      pendingSize = 0;
      boolean tooLarge = false;
      int b = readByte();
      if (b < 0) {
        return Optional.empty();
      }
      while (b >= 0 && b != '\n' && !(tooLarge && position >= end)) {
        if (pendingSize < MAX_ROW_BYTES) {
          append((byte) b);
        } else {
          tooLarge = true;
        }
        b = readByte();
      }
      line++;
      if (b == '\n') {
        lineEnded();
      }
      int from = first == 0 ? marks() : 0;
      if (blank(from)) {
        continue;
      }
      byte[] bytes = Arrays.copyOfRange(pending, from, pendingSize);
      pending = pending.length > 1 << 20 ? new byte[4096] : pending;
      return Optional.of(row(bytes, tooLarge));
    }
    return Optional.empty();
  }

  private RawRow row(byte[] bytes, boolean tooLarge) {
    Supplier<String> text = () -> new String(bytes, StandardCharsets.UTF_8);
    if (tooLarge) {
      return RawRow.refused(
          line,
          new RefusedRowException(
              RefusalReason.TOO_LARGE, "the line has more than " + MAX_ROW_BYTES + " bytes"),
          text);
    }
    try {
      return RawRow.read(line, JsonRows.parse(bytes), text);
    } catch (RefusedRowException e) {
      return RawRow.refused(line, e, text);
    }
  }

  private void append(byte b) {
    if (pendingSize == pending.length) {
      pending = Arrays.copyOf(pending, (int) Math.min(MAX_ROW_BYTES, pendingSize * 2L));
    }
    pending[pendingSize++] = b;
  }

  /** Bytes of the byte order marks that the file begins with. */
  private int marks() {
    int i = 0;
    while (i + 3 <= pendingSize
        && pending[i] == (byte) 0xef
        && pending[i + 1] == (byte) 0xbb
        && pending[i + 2] == (byte) 0xbf) {
      i += 3;
    }
    return i;
  }

  private boolean blank(int from) {
    for (int i = from; i < pendingSize; i++) {
      byte b = pending[i];
      if (b != ' ' && b != '\t' && b != '\r') {
        return false;
      }
    }
    return true;
  }

  @Override
  public long textRead() {
    return position;
  }

  @Override
  public long lineEnds() {
    return lineEnds;
  }

  @Override
  public void close() {
    closeInput(input, path);
  }
}
