package io.plumbline.data;

import java.io.Serializable;

/**
 * A part of a data file that one task reads.
 *
 * @param start first byte; a row belongs to the slice in which its first byte lies (its row
 *     group's, in Parquet)
 * @param end the byte after the last, {@link Long#MAX_VALUE} for the end of the file
 * @param before rows in Parquet that begin before the slice. Of JSON lines it is 0 unless somebody
 *     has counted: their numbers then count from the slice, and {@link DataFileReader#lineEnds}
 *     says how far the next slice's are from them
 */
public record FileSlice(String path, Content content, long start, long end, long before)
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

  public static FileSlice whole(String path) {
    return new FileSlice(path, Content.UNKNOWN, 0, Long.MAX_VALUE, 0);
  }
}
