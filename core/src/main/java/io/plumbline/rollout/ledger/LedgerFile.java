package io.plumbline.rollout.ledger;

import io.plumbline.data.StorageParquet;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.apache.parquet.schema.Type;

/** One Parquet file of rollouts; the columns are those that docs/ledger.md describes. */
final class LedgerFile {
  static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          """
          message rollouts {
            required int64 step;
            required int64 phase;
            required int32 rank;
            required int64 prompt_index;
            required int32 slot;
            required int32 sample;
            required binary prompt (STRING);
            required binary completion (STRING);
            required int32 prompt_tokens;
            required int32 completion_tokens;
            required group tokens (LIST) { repeated group list { required int32 element; } }
            required group logps (LIST) { repeated group list { required float element; } }
            optional group reference_logps (LIST) {
              repeated group list { required float element; } }
            optional double reward;
            required group rewards (MAP) { repeated group key_value {
              required binary key (STRING); optional double value; } }
            required group costs (MAP) { repeated group key_value {
              required binary key (STRING); optional double value; } }
            optional double advantage;
            optional group token_advantages (LIST) {
              repeated group list { required double element; } }
            required boolean truncated;
            required binary finish (STRING);
            required int64 policy_version;
            optional binary failure (STRING);
          }
          """);

  private static final String FORMAT = "ledger.1";

  private LedgerFile() {}

  /** The file's bytes. */
  static byte[] encode(Iterator<LedgerRow> rows) {
    MemoryFile file = new MemoryFile();
    try (ParquetWriter<LedgerRow> parquet =
        new RowWriterBuilder(file)
            .withConf(new Configuration(false))
            .withCompressionCodec(CompressionCodecName.SNAPPY)
            .build()) {
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
    private final ParquetReader<LedgerCells> parquet;

    private Reader(Storage storage, String path, MessageType columns) {
      this.path = path;
      try {
        this.parquet = new CellReaderBuilder(StorageParquet.input(storage, path), columns).build();
      } catch (IOException | RuntimeException e) {
        throw failed(path, e);
      }
    }

    /** The next row's cells, good until the call after; empty at the end. */
    Optional<LedgerCells> next() {
      try {
        return Optional.ofNullable(parquet.read());
      } catch (IOException | RuntimeException e) {
        // Parquet reports broken files by several unchecked exceptions of its own.
        throw failed(path, e);
      }
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

  /** Reads every column. */
  static Reader reader(Storage storage, String path) {
    return new Reader(storage, path, SCHEMA);
  }

  /** Reads a few columns; what the others hold is never fetched. */
  static Reader reader(Storage storage, String path, Set<String> columns) {
    List<Type> read =
        SCHEMA.getFields().stream().filter(field -> columns.contains(field.getName())).toList();
    return new Reader(storage, path, new MessageType(SCHEMA.getName(), read));
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
            + "); delete it, or go on with the run, which writes its later steps again.",
        cause);
  }

  private static final class RowWriterBuilder
      extends ParquetWriter.Builder<LedgerRow, RowWriterBuilder> {
    private RowWriterBuilder(OutputFile file) {
      super(file);
    }

    @Override
    protected RowWriterBuilder self() {
      return this;
    }

    @Override
    protected WriteSupport<LedgerRow> getWriteSupport(Configuration configuration) {
      return new RowWriteSupport();
    }

    @Override
    protected WriteSupport<LedgerRow> getWriteSupport(ParquetConfiguration configuration) {
      return new RowWriteSupport();
    }
  }

  private static final class RowWriteSupport extends WriteSupport<LedgerRow> {
    private static final Map<String, String> METADATA = Map.of("plumbline.format", FORMAT);

    private LedgerRecord record;

    @Override
    public WriteContext init(Configuration configuration) {
      return new WriteContext(SCHEMA, METADATA);
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
      return new WriteContext(SCHEMA, METADATA);
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
      record = new LedgerRecord(consumer);
    }

    @Override
    public void write(LedgerRow row) {
      record.write(row);
    }
  }

  private static final class CellReaderBuilder extends ParquetReader.Builder<LedgerCells> {
    private final MessageType columns;

    private CellReaderBuilder(InputFile file, MessageType columns) {
      super(file);
      this.columns = columns;
    }

    @Override
    protected ReadSupport<LedgerCells> getReadSupport() {
      return new CellReadSupport(columns);
    }
  }

  private static final class CellReadSupport extends ReadSupport<LedgerCells> {
    private final MessageType columns;

    private CellReadSupport(MessageType columns) {
      this.columns = columns;
    }

    @Override
    public ReadContext init(
        Configuration configuration, Map<String, String> metadata, MessageType schema) {
      return new ReadContext(columns);
    }

    @Override
    public ReadContext init(
        ParquetConfiguration configuration, Map<String, String> metadata, MessageType schema) {
      return new ReadContext(columns);
    }

    @Override
    public RecordMaterializer<LedgerCells> prepareForRead(
        Configuration configuration,
        Map<String, String> metadata,
        MessageType schema,
        ReadContext context) {
      return new LedgerCells.Materializer(columns);
    }

    @Override
    public RecordMaterializer<LedgerCells> prepareForRead(
        ParquetConfiguration configuration,
        Map<String, String> metadata,
        MessageType schema,
        ReadContext context) {
      return new LedgerCells.Materializer(columns);
    }
  }
}
