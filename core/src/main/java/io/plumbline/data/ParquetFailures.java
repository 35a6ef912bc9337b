package io.plumbline.data;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import org.apache.parquet.crypto.ParquetCryptoRuntimeException;

/** What can be wrong with a Parquet file, in a sentence each. */
final class ParquetFailures {
  private static final int MAX_DETAIL_CHARS = 200;

  private ParquetFailures() {}

  /**
   * What any failure of reading says about the file. parquet-java reports broken files by unchecked
   * exceptions of many kinds, and by running out of memory or stack where a broken file claims
   * sizes that it does not have.
   */
  static PlumblineException of(String path, Throwable cause) {
    for (Throwable one = cause; one != null; one = one.getCause()) {
      if (one instanceof PlumblineException known) {
        return known;
      }
      if (one instanceof ParquetCryptoRuntimeException) {
        return encrypted(path, one);
      }
    }
    String detail =
        cause instanceof OutOfMemoryError
            ? "it asks for more memory than there is: " + cause.getMessage()
            : oneLine(cause);
    return damaged(path, detail, cause);
  }

  static PlumblineException damaged(String path, String detail, Throwable cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "The Parquet file %s cannot be read (%s); write it again or leave it out."
            .formatted(path, detail),
        cause);
  }

  static PlumblineException damaged(String path, String detail) {
    return damaged(path, detail, null);
  }

  static PlumblineException encrypted(String path, Throwable cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        ("The Parquet file %s is encrypted, and there are no keys for it here; write it again"
                + " without encryption, or give its rows by --data 'sql:SELECT ...' in a Spark session"
                + " that has the keys.")
            .formatted(path),
        cause);
  }

  static PlumblineException unreadable(String path, String column, String type, String instead) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "The column %s of the Parquet file %s is %s; %s.".formatted(column, path, type, instead));
  }

  private static String oneLine(Throwable cause) {
    String said = cause.getMessage();
    for (Throwable one = cause.getCause(); said == null && one != null; one = one.getCause()) {
      said = one.getMessage();
    }
    String line =
        (said == null ? cause.getClass().getSimpleName() : said).lines().findFirst().orElse("");
    return line.length() <= MAX_DETAIL_CHARS ? line : line.substring(0, MAX_DETAIL_CHARS) + "…";
  }
}
