package io.plumbline.data;

import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A part of a data file that one task reads.
 *
 * @param start first byte; a row belongs to the slice in which its first byte lies (its row
 *     group's, in Parquet)
 * @param end the byte after the last, {@link Long#MAX_VALUE} for the end of the file
 * @param before rows in Parquet that begin before the slice. Of JSON lines it is 0 unless somebody
 *     has counted: their numbers then count from the slice, and {@link DataFileReader#lineEnds}
 *     says how far the next slice's are from them
 * @param folders columns that the names of the file's folders have, which every row of the file has
 *     beside its own, and in the place of its own of the same name, as in Spark
 */
public record FileSlice(
    String path, Content content, long start, long end, long before, Map<String, Object> folders)
    implements Serializable {
  /** What a file holds. */
  public enum Content {
    /** To be found out when the file is opened: only for whole files. */
    UNKNOWN,
    /** JSON objects, one a line. */
    JSON_LINES,
    /** One JSON array of objects. */
    JSON_ARRAY,
    /** JSON lines or an array, compressed by gzip, zstd or bzip2. */
    COMPRESSED,
    /** Parquet. */
    PARQUET
  }

  /** A slice of a file whose folders name no column. */
  public FileSlice(String path, Content content, long start, long end, long before) {
    this(path, content, start, end, before, Map.of());
  }

  public static FileSlice whole(String path) {
    return new FileSlice(path, Content.UNKNOWN, 0, Long.MAX_VALUE, 0);
  }

  /** This slice with the columns that the names of its folders say. */
  public FileSlice withFolders(Map<String, Object> columns) {
    return new FileSlice(path, content, start, end, before, columns);
  }

  RawRow placed(RawRow row) {
    if (folders.isEmpty() || row.values().isEmpty()) {
      return row;
    }
    Map<String, Object> values = new LinkedHashMap<>(row.values().get());
    values.putAll(folders);
    return RawRow.read(row.line(), values, row.text());
  }
}
