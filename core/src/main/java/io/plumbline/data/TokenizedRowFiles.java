package io.plumbline.data;

import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.parquet.Cells;
import io.plumbline.parquet.Columns;
import io.plumbline.parquet.Kind;
import io.plumbline.parquet.StorageParquet;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.InputFile;

/**
 * Tokenized rows in Parquet, written and read one row at a time.
 *
 * <table>
 * <caption>Columns</caption>
 * <tr><td>{@code fingerprint}</td><td>string</td><td>{@link TokenizedRow#fingerprint}</td></tr>
 * <tr><td>{@code row}</td><td>int64</td><td>{@link TokenizedRow#index}; in the parts of a prepared
 *     directory counted from the part's first row</td></tr>
 * <tr><td>{@code step}</td><td>int64, null outside of canonical shards</td><td>the step that trains
 *     on the row</td></tr>
 * <tr><td>{@code slot}</td><td>int32, null outside of canonical shards</td><td>the row's place in
 *     that step</td></tr>
 * <tr><td>{@code prompt_ids}</td><td>list of int32</td><td>token ids</td></tr>
 * <tr><td>{@code completions}</td><td>list of list of int32</td><td>token ids by
 *     completion</td></tr>
 * <tr><td>{@code loss_masks}</td><td>list of list of int8</td><td>1 where a completion token
 *     counts; empty where all do</td></tr>
 * <tr><td>{@code reference_logps}</td><td>list of list of float</td><td>in nats, by completion and
 *     token; empty where not computed</td></tr>
 * <tr><td>{@code margin}</td><td>double, null where the data does not say</td><td>{@link
 *     TokenizedRow#margin}</td></tr>
 * <tr><td>{@code desirable}</td><td>boolean, null where the data has no labels</td><td>{@link
 *     TokenizedRow#desirability}</td></tr>
 * <tr><td>{@code columns}</td><td>string, null where the row keeps none</td><td>{@link
 *     TokenizedRow#columns}</td></tr>
 * </table>
 *
 * <p>Files without the last three columns, as earlier versions wrote them, are read as rows without
 * margin, label and columns.
 */
public final class TokenizedRowFiles {
  private static final String STEP = "step";

  /** A reader of 64 shards at once holds a row group of each: they must be small. */
  private static final long ROW_GROUP_BYTES = 8L << 20;

  /** Small pages let a reader that starts late skip most of a row group. */
  private static final int PAGE_BYTES = 128 << 10;

  private static final Columns<Stored> COLUMNS =
      Columns.<Stored>of("tokenized_rows", Map.of("plumbline.format", "tokenized_rows.1"))
          .required("fingerprint", Kind.TEXT, stored -> stored.row().fingerprint())
          .required("row", Kind.INT64, stored -> stored.row().index())
          .optional(STEP, Kind.INT64, stored -> stored.place().map(PlacedRow::step))
          .optional("slot", Kind.INT32, stored -> stored.place().map(PlacedRow::slot))
          .required("prompt_ids", Kind.INTS, stored -> stored.row().prompt())
          .required("completions", Kind.INT_LISTS, stored -> stored.row().completions())
          .required("loss_masks", Kind.BYTE_LISTS, stored -> stored.row().lossMasks())
          .required("reference_logps", Kind.FLOAT_LISTS, stored -> stored.row().referenceLogps())
          .optional(
              "margin",
              Kind.DOUBLE,
              stored -> Optional.of(stored.row().margin()).filter(margin -> !margin.isNaN()))
          .optional("desirable", Kind.BOOLEAN, stored -> desirable(stored.row().desirability()))
          .optional(
              "columns",
              Kind.TEXT,
              stored -> Optional.of(stored.row().columns()).filter(text -> !text.isEmpty()))
          .readBy(Stored::of);

  private TokenizedRowFiles() {}

  /** Writes one file; the file is whole only after {@link #close}. */
  public static final class Writer implements AutoCloseable {
    private final String path;
    private final ParquetWriter<Stored> parquet;
    private long rows;

    private Writer(Storage storage, String path) {
      this.path = path;
      try {
        this.parquet =
            COLUMNS.writer(
                StorageParquet.output(storage, path),
                settings ->
                    settings
                        .withCompressionCodec(CompressionCodecName.SNAPPY)
                        .withRowGroupSize(ROW_GROUP_BYTES)
                        .withPageSize(PAGE_BYTES)
                        .withDictionaryEncoding(true)
                        .withDictionaryEncoding("fingerprint", false)
                        .withDictionaryEncoding("columns", false));
      } catch (IOException e) {
        throw failed("written", path, e);
      }
    }

    /** Adds a row that has no place in the run's order yet. */
    public void write(TokenizedRow row) {
      write(new Stored(row, Optional.empty()));
    }

    /** Adds a row of a canonical shard. */
    public void write(PlacedRow placed) {
      write(new Stored(placed.row(), Optional.of(placed)));
    }

    private void write(Stored stored) {
      try {
        parquet.write(stored);
        rows++;
      } catch (IOException e) {
        throw failed("written", path, e);
      }
    }

    /** Rows written so far. */
    public long rows() {
      return rows;
    }

    @Override
    public void close() {
      try {
        parquet.close();
      } catch (IOException e) {
        throw failed("written", path, e);
      }
    }
  }

  /** Reads one file from its first row, or from a step, to its end. */
  public static final class Reader implements AutoCloseable {
    private final String path;
    private final ParquetReader<Cells> parquet;

    private Reader(Storage storage, String path, Optional<Long> fromStep) {
      this.path = path;
      InputFile file = StorageParquet.input(storage, path);
      // Row groups and pages of earlier steps are skipped by their statistics, unread.
      FilterCompat.Filter filter =
          fromStep
              .map(step -> FilterCompat.get(FilterApi.gtEq(FilterApi.longColumn(STEP), step)))
              .orElse(FilterCompat.NOOP);
      try {
        this.parquet = COLUMNS.reader(file, filter);
      } catch (IOException e) {
        throw failed("read", path, e);
      }
    }

    private Optional<Stored> nextStored() {
      try {
        return Optional.ofNullable(parquet.read()).map(COLUMNS::row);
      } catch (IOException | RuntimeException e) {
        // Parquet reports broken files by several unchecked exceptions of its own.
        throw failed("read", path, e);
      }
    }

    /** The next row, empty at the end. */
    public Optional<TokenizedRow> next() {
      return nextStored().map(Stored::row);
    }

    /** The next row of a canonical shard, empty at the end. */
    public Optional<PlacedRow> nextPlaced() {
      return nextStored()
          .map(
              stored ->
                  stored
                      .place()
                      .orElseThrow(
                          () ->
                              new PlumblineException(
                                  ErrorCode.BAD_DATA,
                                  path
                                      + " has a row without a step and a slot, so it is not a"
                                      + " canonical shard; write the shards again")));
    }

    @Override
    public void close() {
      try {
        parquet.close();
      } catch (IOException e) {
        throw failed("read", path, e);
      }
    }
  }

  /** A file that replaces what is there. */
  public static Writer writer(Storage storage, String path) {
    return new Writer(storage, path);
  }

  /** All rows of a file. */
  public static Reader reader(Storage storage, String path) {
    return new Reader(storage, path, Optional.empty());
  }

  /** The rows of a canonical shard from a step on, skipping what lies before without reading it. */
  public static Reader readerFromStep(Storage storage, String path, long fromStep) {
    return new Reader(storage, path, fromStep == 0 ? Optional.empty() : Optional.of(fromStep));
  }

  /** How many rows a file says it holds. */
  public static long rows(Storage storage, String path) {
    try (ParquetFileReader reader = ParquetFileReader.open(StorageParquet.input(storage, path))) {
      return reader.getRecordCount();
    } catch (IOException | RuntimeException e) {
      if (e instanceof PlumblineException known) {
        throw known;
      }
      throw failed("read", path, e);
    }
  }

  private static PlumblineException failed(String what, String path, Exception cause) {
    if (cause instanceof PlumblineException known) {
      return known;
    }
    return new PlumblineException(
        ErrorCode.STORAGE_FAILED,
        "The Parquet file "
            + path
            + " could not be "
            + what
            + " ("
            + cause.getMessage()
            + "); check the storage, or delete the directory it is in and run again",
        cause);
  }

  private static Optional<Boolean> desirable(Desirability desirability) {
    return desirability == Desirability.UNSTATED
        ? Optional.empty()
        : Optional.of(desirability == Desirability.DESIRABLE);
  }

  /** A row as a file holds it. */
  private record Stored(TokenizedRow row, Optional<PlacedRow> place) {
    private static Stored of(Cells cells) {
      TokenizedRow row =
          new TokenizedRow(
              cells.value("fingerprint", Kind.TEXT),
              cells.value("row", Kind.INT64),
              cells.value("prompt_ids", Kind.INTS),
              cells.value("completions", Kind.INT_LISTS),
              cells.value("loss_masks", Kind.BYTE_LISTS),
              cells.value("reference_logps", Kind.FLOAT_LISTS),
              cells.find("margin", Kind.DOUBLE).orElse(Double.NaN),
              cells
                  .find("desirable", Kind.BOOLEAN)
                  .map(yes -> yes ? Desirability.DESIRABLE : Desirability.UNDESIRABLE)
                  .orElse(Desirability.UNSTATED),
              cells.find("columns", Kind.TEXT).orElse(""));
      return new Stored(
          row,
          cells
              .find(STEP, Kind.INT64)
              .map(step -> new PlacedRow(step, cells.value("slot", Kind.INT32), row)));
    }
  }
}
