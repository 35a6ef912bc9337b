package io.plumbline.data;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import io.plumbline.data.FileSlice.Content;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;

/**
 * Reads a data file, or a slice of one, row by row: JSON lines, a JSON array, either of them
 * compressed by gzip, or Parquet. What a file holds is told by its first bytes, not by its name.
 */
public abstract sealed class DataFileReader implements AutoCloseable {
  /** Rows past this many bytes are refused rather than read into memory. */
  static final int MAX_ROW_BYTES = 32 << 20;

  private static final int BUFFER_BYTES = 1 << 16;

  final String path;

  private DataFileReader(String path) {
    this.path = path;
  }

  /** The next row, empty at the end. Fails with BAD_DATA where the file is damaged. */
  public final Optional<RawRow> next() {
    try {
      return read();
    } catch (IOException e) {
      throw damaged(path, e);
    }
  }

  abstract Optional<RawRow> read() throws IOException;

  @Override
  public abstract void close();

  /** Opens a slice at its first row. Rows have all columns, whatever the format of the file. */
  public static DataFileReader open(Storage storage, FileSlice slice) {
    return open(storage, slice, column -> true);
  }

  /**
   * Opens a slice at its first row, for a caller that knows which columns it needs: the others of a
   * Parquet file need not be read. Where they are not, they are there as nulls, so that their names
   * can be told; {@link RawRow#text} has the whole row all the same.
   *
   * @param columns whether a column is needed, by its name
   */
  public static DataFileReader open(Storage storage, FileSlice slice, Predicate<String> columns) {
    Content content =
        slice.content() == Content.UNKNOWN ? content(storage, slice.path()) : slice.content();
    if (content == Content.PARQUET) {
      return new OfParquet(new ParquetRows(storage, slice, columns));
    }
    InputStream raw = storage.open(slice.path());
    try {
      InputStream input = raw;
      if (content == Content.GZIP) {
        input = new BufferedInputStream(new GZIPInputStream(raw, BUFFER_BYTES), BUFFER_BYTES);
        content = textContent(input);
      }
      return content == Content.JSON_ARRAY
          ? new OfArray(slice.path(), input)
          : new OfLines(slice, input);
    } catch (IOException e) {
      PlumblineException failure = damaged(slice.path(), e);
      closeAfter(raw, failure);
      throw failure;
    }
  }

  /** What a file's first bytes say it holds. */
  public static Content content(Storage storage, String path) {
    try (InputStream input = new BufferedInputStream(storage.open(path), BUFFER_BYTES)) {
      input.mark(4);
      byte[] magic = input.readNBytes(4);
      if (ParquetFooter.begins(magic)) {
        return Content.PARQUET;
      }
      if (magic.length >= 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b) {
        return Content.GZIP;
      }
      input.reset();
      return textContent(input);
    } catch (IOException e) {
      throw damaged(path, e);
    }
  }

  /** Leaves the stream where it was. */
  private static Content textContent(InputStream input) throws IOException {
    input.mark(BUFFER_BYTES);
    Content content = Content.JSON_LINES;
    for (int i = 0; i < BUFFER_BYTES - 1; i++) {
      int b = input.read();
      // A byte order mark comes before the text.
      boolean mark = i < 3 && (b == 0xef || b == 0xbb || b == 0xbf);
      if (mark || b == ' ' || b == '\t' || b == '\r' || b == '\n') {
        continue;
      }
      if (b == '[') {
        content = Content.JSON_ARRAY;
      }
      break;
    }
    input.reset();
    return content;
  }

  /**
   * How many lines end before each of the slices of one file of JSON lines: counts the line ends in
   * one slice.
   */
  public static long lineEnds(Storage storage, FileSlice slice) {
    long lines = 0;
    long left = slice.end() - slice.start();
    byte[] buffer = new byte[BUFFER_BYTES];
    try (InputStream input = storage.open(slice.path())) {
      input.skipNBytes(slice.start());
      while (left > 0) {
        int read = input.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (read < 0) {
          break;
        }
        for (int i = 0; i < read; i++) {
          if (buffer[i] == '\n') {
            lines++;
          }
        }
        left -= read;
      }
    } catch (IOException e) {
      throw damaged(slice.path(), e);
    }
    return lines;
  }

  /**
   * The slices of a Parquet file, of whole row groups, each of about so many bytes or of one row
   * group.
   */
  public static List<FileSlice> parquetSlices(Storage storage, String path, long bytes) {
    return ParquetRows.slices(storage, path, bytes);
  }

  private static PlumblineException damaged(String path, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "The data file "
            + path
            + " cannot be read to its end ("
            + cause.getMessage()
            + "); write it again or leave it out",
        cause);
  }

  private static void closeAfter(InputStream input, Exception failure) {
    try {
      input.close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  private static void closeInput(InputStream input, String path) {
    try {
      input.close();
    } catch (IOException e) {
      throw damaged(path, e);
    }
  }

  private static final class OfLines extends DataFileReader {
    private final InputStream input;
    private final long end;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int bufferPosition;
    private int bufferLimit;

    /** Where in the (uncompressed) file the next byte lies. */
    private long position;

    private long line;
    private byte[] pending = new byte[4096];
    private int pendingSize;

    private OfLines(FileSlice slice, InputStream input) throws IOException {
      super(slice.path());
      this.input = input;
      this.end = slice.end();
      this.line = slice.before();
      if (slice.start() > 0) {
        // The line that runs into the slice belongs to the slice before it.
        position = slice.start() - 1;
        input.skipNBytes(position);
        boolean found = skipLine();
        if (found && position > slice.start()) {
          line++;
        }
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

    private boolean skipLine() throws IOException {
      int b = readByte();
      while (b >= 0 && b != '\n') {
        b = readByte();
      }
      return b == '\n';
    }

    @Override
    Optional<RawRow> read() throws IOException {
      while (position < end) {
        long start = position;
        pendingSize = 0;
        boolean tooLarge = false;
        int b = readByte();
        if (b < 0) {
          return Optional.empty();
        }
        while (b >= 0 && b != '\n') {
          if (pendingSize < MAX_ROW_BYTES) {
            append((byte) b);
          } else {
            tooLarge = true;
          }
          b = readByte();
        }
        line++;
        int from = start == 0 && beginsWithMark() ? 3 : 0;
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
      java.util.function.Supplier<String> text = () -> new String(bytes, StandardCharsets.UTF_8);
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

    private boolean beginsWithMark() {
      return pendingSize >= 3
          && pending[0] == (byte) 0xef
          && pending[1] == (byte) 0xbb
          && pending[2] == (byte) 0xbf;
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
    public void close() {
      closeInput(input, path);
    }
  }

  private static final class OfArray extends DataFileReader {
    private final JsonParser parser;
    private long element;
    private boolean ended;

    private OfArray(String path, InputStream input) throws IOException {
      super(path);
      this.parser = JsonRows.parser(input);
    }

    @Override
    Optional<RawRow> read() throws IOException {
      if (ended) {
        return Optional.empty();
      }
      element++;
      try {
        if (element == 1) {
          parser.nextToken();
        }
        JsonToken token = parser.nextToken();
        if (token == JsonToken.END_ARRAY) {
          ended = true;
          return parser.nextToken() == null
              ? Optional.empty()
              : Optional.of(unreadable("there is more after the end of the array"));
        }
        if (token == null) {
          return Optional.of(unreadable("the array has no end"));
        }
        Map<String, Object> values = JsonRows.element(parser);
        return Optional.of(RawRow.read(element, values, () -> JsonRows.write(values)));
      } catch (RefusedRowException e) {
        return Optional.of(RawRow.refused(element, e, () -> ""));
      } catch (JsonProcessingException e) {
        return Optional.of(unreadable(e.getOriginalMessage()));
      } catch (java.io.CharConversionException e) {
        return Optional.of(unreadable(e.getMessage()));
      }
    }

    /** JSON that is broken cannot be picked up again further on. */
    private RawRow unreadable(String detail) {
      ended = true;
      return RawRow.refused(
          element,
          new RefusedRowException(
              RefusalReason.BROKEN_JSON, detail + "; nothing after this element was read"),
          () -> "");
    }

    @Override
    public void close() {
      try {
        parser.close();
      } catch (IOException e) {
        throw damaged(path, e);
      }
    }
  }

  private static final class OfParquet extends DataFileReader {
    private final ParquetRows rows;

    private OfParquet(ParquetRows rows) {
      super(rows.path());
      this.rows = rows;
    }

    @Override
    Optional<RawRow> read() {
      return rows.next();
    }

    @Override
    public void close() {
      rows.close();
    }
  }
}
