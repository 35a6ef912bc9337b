package io.plumbline.rollout.ledger;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.Generation.Finish;
import io.plumbline.parquet.Cells;
import io.plumbline.parquet.Columns;
import io.plumbline.parquet.Kind;
import io.plumbline.parquet.MemoryParquet;
import io.plumbline.parquet.StorageParquet;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.InputFile;

/** One Parquet file of rollouts; the columns are those that docs/ledger.md describes. */
final class LedgerFile {
  private static final Columns<LedgerRow> COLUMNS =
      Columns.<LedgerRow>of("rollouts", Map.of("plumbline.format", "ledger.1"))
          .required("step", Kind.INT64, LedgerRow::step)
          .required("phase", Kind.INT64, LedgerRow::phase)
          .required("rank", Kind.INT32, LedgerRow::rank)
          .required("prompt_index", Kind.INT64, LedgerRow::promptIndex)
          .required("slot", Kind.INT32, LedgerRow::slot)
          .required("sample", Kind.INT32, LedgerRow::sample)
          .required("prompt", Kind.TEXT, LedgerRow::prompt)
          .required("completion", Kind.TEXT, LedgerRow::completion)
          .required("prompt_tokens", Kind.INT32, LedgerRow::promptTokens)
          .required("completion_tokens", Kind.INT32, row -> row.tokens().length)
          .required("tokens", Kind.INTS, LedgerRow::tokens)
          .required("logps", Kind.FLOATS, LedgerRow::logps)
          .optional("reference_logps", Kind.FLOATS, LedgerRow::referenceLogps)
          .optional("reward", Kind.DOUBLE, row -> boxed(row.reward()))
          .required("rewards", Kind.DOUBLES_BY_NAME, LedgerRow::rewards)
          .required("costs", Kind.DOUBLES_BY_NAME, LedgerRow::costs)
          .optional("advantage", Kind.DOUBLE, row -> boxed(row.advantage()))
          .optional("token_advantages", Kind.DOUBLES, LedgerRow::tokenAdvantages)
          .required("truncated", Kind.BOOLEAN, LedgerRow::truncated)
          .required("finish", Kind.TEXT, row -> row.finish().name().toLowerCase(Locale.ROOT))
          .required("policy_version", Kind.INT64, LedgerRow::policyVersion)
          .optional("failure", Kind.TEXT, LedgerRow::failure)
          .readBy(LedgerFile::row);

  private LedgerFile() {}

  /** The file's bytes. */
  static byte[] encode(Iterator<LedgerRow> rows) {
    MemoryParquet.Output file =
        new MemoryParquet.Output(
            () ->
                new PlumblineException(
                    ErrorCode.STORAGE_FAILED,
                    "The rollouts of one phase take over 2 GiB in the ledger; take fewer prompts,"
                        + " generations or steps a phase."));
    try (ParquetWriter<LedgerRow> parquet =
        COLUMNS.writer(
            file, settings -> settings.withCompressionCodec(CompressionCodecName.SNAPPY))) {
      while (rows.hasNext()) {
        parquet.write(rows.next());
      }
    } catch (IOException e) {
      throw new IllegalStateException("memory does not fail to be written", e);
    }
    return file.bytes();
  }

  /** The rows of a file, one at a time. */
  static final class Reader implements AutoCloseable {
    private final String path;
    private final ParquetReader<Cells> parquet;

    private Reader(Storage storage, String path, Optional<Set<String>> columns) {
      this.path = path;
      try {
        InputFile file = StorageParquet.input(storage, path);
        this.parquet =
            columns.isPresent() ? COLUMNS.reader(file, columns.get()) : COLUMNS.reader(file);
      } catch (IOException | RuntimeException e) {
        throw failed(path, e);
      }
    }

    /** The next row's cells, good until the call after; empty at the end. */
    Optional<Cells> nextCells() {
      try {
        return Optional.ofNullable(parquet.read());
      } catch (IOException | RuntimeException e) {
        // Parquet reports broken files by several unchecked exceptions of its own.
        throw failed(path, e);
      }
    }

    /** The next row; empty at the end. Every column must be read. */
    Optional<LedgerRow> next() {
      return nextCells().map(COLUMNS::row);
    }

    @Override
    public void close() {
      try {
        parquet.close();
      } catch (IOException e) {
        throw failed(path, e);
      }
    }
  }

  /** Reads every column, or a few: what the others hold is never fetched. */
  static Reader reader(Storage storage, String path, Optional<Set<String>> columns) {
    return new Reader(storage, path, columns);
  }

  private static Optional<Double> boxed(OptionalDouble value) {
    return value.isPresent() ? Optional.of(value.getAsDouble()) : Optional.empty();
  }

  /** A number; empty where it is null. */
  static OptionalDouble number(Cells cells, String column) {
    return cells.find(column, Kind.DOUBLE).map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
  }

  private static LedgerRow row(Cells cells) {
    return new LedgerRow(
        cells.value("step", Kind.INT64),
        cells.value("phase", Kind.INT64),
        cells.value("rank", Kind.INT32),
        cells.value("prompt_index", Kind.INT64),
        cells.value("slot", Kind.INT32),
        cells.value("sample", Kind.INT32),
        cells.value("prompt", Kind.TEXT),
        cells.value("completion", Kind.TEXT),
        cells.value("prompt_tokens", Kind.INT32),
        cells.value("tokens", Kind.INTS),
        cells.value("logps", Kind.FLOATS),
        cells.find("reference_logps", Kind.FLOATS),
        number(cells, "reward"),
        cells.value("rewards", Kind.DOUBLES_BY_NAME),
        cells.value("costs", Kind.DOUBLES_BY_NAME),
        number(cells, "advantage"),
        cells.find("token_advantages", Kind.DOUBLES),
        Finish.valueOf(cells.value("finish", Kind.TEXT).toUpperCase(Locale.ROOT)),
        cells.value("policy_version", Kind.INT64),
        cells.find("failure", Kind.TEXT));
  }

  private static PlumblineException failed(String path, Exception cause) {
    if (cause instanceof PlumblineException known) {
      return known;
    }
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "The ledger file "
            + path
            + " cannot be read ("
            + cause.getMessage()
            + "); delete it, or continue with the run, which writes its later steps again.",
        cause);
  }
}
