package io.plumbline.data;

import io.plumbline.data.FileSlice.Content;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Reads a data file, or a slice of one, row by row: JSON lines, a JSON array, either of them
 * compressed by gzip, zstd or bzip2, or Parquet. What a file holds is told by its first bytes, not
 * by its name.
 */
public abstract sealed class DataFileReader implements AutoCloseable
    permits LineReader, ArrayReader, DataFileReader.OfParquet {
  /** Rows past this many bytes are refused rather than read into memory. */
  static final int MAX_ROW_BYTES = 32 << 20;

  static final int BUFFER_BYTES = 1 << 16;

  final String path;
  private final FileSlice slice;

  DataFileReader(FileSlice slice) {
    this.path = slice.path();
    this.slice = slice;
  }

  /** The next row, empty at the end. Fails with BAD_DATA where the file is damaged. */
  public final Optional<RawRow> next() {
    try {
      return read().map(slice::placed);
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
   * can be told; {@link RawRow#text} has the whole row all the same. Fails with BAD_DATA, and a
   * sentence that says what to do, where the file is of a format that is not read.
   *
   * @param columns whether a column is needed, by its name
   */
  public static DataFileReader open(Storage storage, FileSlice slice, Predicate<String> columns) {
    if (slice.content() == Content.PARQUET) {
      return new OfParquet(slice, new ParquetRows(storage, slice, columns));
    }
    if (slice.content() == Content.JSON_LINES && !isWhole(slice)) {
      long from = Math.max(0, slice.start() - 1);
      return reading(
          slice.path(),
          storage.openAt(slice.path(), from, slice.end()),
          input -> new LineReader(slice, input));
    }
    return openWhole(storage, slice, storage.open(slice.path()), columns);
  }

  /**
   * Opens a file of which only the first rows are wanted: on object stores no more is asked for
   * than that takes.
   */
  public static DataFileReader openForFirstRows(
      Storage storage, FileSlice whole, Predicate<String> columns) {
    InputStream file = storage.openAt(whole.path(), 0, FileHead.BYTES + 1L);
    return openWhole(storage, whole, file, columns);
  }

  private static boolean isWhole(FileSlice slice) {
    return slice.start() == 0 && slice.end() == Long.MAX_VALUE;
  }

  private static DataFileReader openWhole(
      Storage storage, FileSlice given, InputStream file, Predicate<String> columns) {
    FileSlice whole = FileSlice.whole(given.path()).withFolders(given.folders());
    return reading(
        whole.path(),
        file,
        raw -> {
          BufferedInputStream input = FileHead.buffered(raw);
          FileHead head = FileHead.of(input);
          if (FileContents.isParquet(head)) {
            input.close();
            return new OfParquet(whole, new ParquetRows(storage, whole, columns));
          }
          FileContents.Text text = FileContents.text(whole.path(), head, input);
          return text.content() == Content.JSON_ARRAY
              ? new ArrayReader(whole, text.input())
              : new LineReader(whole, text.input());
        });
  }

  private interface Opening {
    DataFileReader over(InputStream input) throws IOException;
  }

  /** Closes the file where the reader cannot be made. */
  private static DataFileReader reading(String path, InputStream file, Opening opening) {
    try {
      return opening.over(file);
    } catch (IOException e) {
      PlumblineException failure = damaged(path, e);
      closeAfter(file, failure);
      throw failure;
    } catch (RuntimeException e) {
      closeAfter(file, e);
      throw e;
    }
  }

  /**
   * What a file's first bytes say it holds; of a compressed file only that it is compressed. Fails
   * with BAD_DATA, and a sentence that says what to do, where it is of a format that is not read.
   */
  public static Content content(Storage storage, String path) {
    try (InputStream input = storage.openAt(path, 0, FileHead.BYTES + 1L)) {
      return FileContents.of(path, input);
    } catch (IOException e) {
      throw damaged(path, e);
    }
  }

  /** Bytes of text that were read so far, decompressed; 0 where a file is no text. */
  public long textRead() {
    return 0;
  }

  /**
   * How many lines of JSON lines end within the slice, once {@link #next} was empty: by so much are
   * the numbers of the next slice's lines larger. 0 for what is not JSON lines.
   */
  public long lineEnds() {
    return 0;
  }

  /**
   * How many lines of JSON lines end before a slice: by so much are the numbers of its lines larger
   * than {@link #next} says. Reads all that is before the slice. 0 for what is not JSON lines.
   */
  public static long lineEndsBefore(Storage storage, FileSlice slice) {
    if (slice.content() != Content.JSON_LINES || slice.start() == 0) {
      return 0;
    }
    long ends = 0;
    try (InputStream input = storage.openAt(slice.path(), 0, slice.start())) {
      byte[] bytes = new byte[1 << 16];
      long left = slice.start();
      while (left > 0) {
        int read = input.read(bytes, 0, (int) Math.min(bytes.length, left));
        if (read < 0) {
          break;
        }
        for (int i = 0; i < read; i++) {
          ends += bytes[i] == '\n' ? 1 : 0;
        }
        left -= read;
      }
    } catch (IOException e) {
      throw damaged(slice.path(), e);
    }
    return ends;
  }

  /**
   * The slices of a Parquet file, of whole row groups, each of about so many bytes or of one row
   * group.
   */
  public static List<FileSlice> parquetSlices(Storage storage, String path, long bytes) {
    return ParquetRows.slices(storage, path, bytes);
  }

  static PlumblineException damaged(String path, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "The data file "
            + path
            + " cannot be read to its end ("
            + cause.getMessage()
            + "); write it again or leave it out",
        cause);
  }

  static void closeAfter(Closeable opened, Exception failure) {
    try {
      opened.close();
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }

  static void closeInput(InputStream input, String path) {
    try {
      input.close();
    } catch (IOException e) {
      throw damaged(path, e);
    }
  }

  static final class OfParquet extends DataFileReader {
    private final ParquetRows rows;

    private OfParquet(FileSlice slice, ParquetRows rows) {
      super(slice);
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
