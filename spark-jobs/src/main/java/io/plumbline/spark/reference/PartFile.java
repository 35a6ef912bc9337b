package io.plumbline.spark.reference;

import io.plumbline.parquet.Cells;
import io.plumbline.parquet.Columns;
import io.plumbline.parquet.Kind;
import io.plumbline.parquet.MemoryParquet;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.io.ParquetDecodingException;

/**
 * A part of the cache as the bytes of a Parquet file. Parts are small, so they are made and read in
 * memory: that gives their digest for free and needs no rename and no seek from the file system.
 */
final class PartFile {
  private static final Columns<CachedRow> COLUMNS =
      Columns.<CachedRow>of("reference_logps", Map.of())
          .required("fingerprint", Kind.TEXT, CachedRow::fingerprint)
          .required("lengths", Kind.INTS, row -> lengths(Arrays.asList(row.logps())))
          .required("logps", Kind.FLOAT_LISTS, row -> Arrays.asList(row.logps()))
          .readBy(PartFile::row);

  private PartFile() {}

  static byte[] encode(List<CachedRow> rows) throws IOException {
    MemoryParquet.Output file =
        new MemoryParquet.Output(() -> new IllegalStateException("a part of over 2 GiB"));
    // Log-probabilities hardly compress; without a codec any reader can read the part.
    try (ParquetWriter<CachedRow> writer =
        COLUMNS.writer(file, settings -> settings.withDictionaryEncoding(false))) {
      for (CachedRow row : rows) {
        writer.write(row);
      }
    }
    return file.bytes();
  }

  static List<CachedRow> decode(byte[] file) throws IOException {
    List<CachedRow> rows = new ArrayList<>();
    try (ParquetReader<Cells> reader = COLUMNS.reader(MemoryParquet.input(file))) {
      for (Cells cells = reader.read(); cells != null; cells = reader.read()) {
        rows.add(COLUMNS.row(cells));
      }
    }
    return rows;
  }

  private static int[] lengths(List<float[]> logps) {
    return logps.stream().mapToInt(one -> one.length).toArray();
  }

  private static CachedRow row(Cells cells) {
    String fingerprint = cells.value("fingerprint", Kind.TEXT);
    List<float[]> logps = cells.value("logps", Kind.FLOAT_LISTS);
    if (!Arrays.equals(cells.value("lengths", Kind.INTS), lengths(logps))) {
      throw new ParquetDecodingException(
          "lengths and log-probabilities of row " + fingerprint + " differ");
    }
    return new CachedRow(fingerprint, logps.toArray(new float[0][]));
  }
}
