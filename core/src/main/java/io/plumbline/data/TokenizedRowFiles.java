package io.plumbline.data;

import io.plumbline.data.TokenizedRow.Desirability;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.filter2.predicate.FilterApi;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

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
  /** A reader of 64 shards at once holds a row group of each: they must be small. */
  private static final long ROW_GROUP_BYTES = 8L << 20;

  /** Small pages let a reader that starts late skip most of a row group. */
  private static final int PAGE_BYTES = 128 << 10;

  private static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          """
          message tokenized_rows {
            required binary fingerprint (STRING);
            required int64 row;
            optional int64 step;
            optional int32 slot;
            required group prompt_ids (LIST) { repeated group list { required int32 element; } }
            required group completions (LIST) { repeated group list {
              required group element (LIST) { repeated group list { required int32 element; } } } }
            required group loss_masks (LIST) { repeated group list {
              required group element (LIST) { repeated group list {
                required int32 element (INTEGER(8,true)); } } } }
            required group reference_logps (LIST) { repeated group list {
              required group element (LIST) { repeated group list { required float element; } } } }
            optional double margin;
            optional boolean desirable;
            optional binary columns (STRING);
          }
          """);

  private static final int FINGERPRINT = 0;
  private static final int ROW = 1;
  private static final int STEP = 2;
  private static final int SLOT = 3;
  private static final int PROMPT_IDS = 4;
  private static final int COMPLETIONS = 5;
  private static final int LOSS_MASKS = 6;
  private static final int REFERENCE_LOGPS = 7;
  private static final int MARGIN = 8;
  private static final int DESIRABLE = 9;
  private static final int COLUMNS = 10;

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
            new StoredWriterBuilder(StorageParquet.output(storage, path))
                .withConf(new Configuration(false))
                .withCompressionCodec(CompressionCodecName.SNAPPY)
                .withRowGroupSize(ROW_GROUP_BYTES)
                .withPageSize(PAGE_BYTES)
                .withDictionaryEncoding(true)
                .withDictionaryEncoding("fingerprint", false)
                .withDictionaryEncoding("columns", false)
                .build();
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
    private final ParquetReader<Stored> parquet;

    private Reader(Storage storage, String path, Optional<Long> fromStep) {
      this.path = path;
      InputFile file = StorageParquet.input(storage, path);
      ParquetReader.Builder<Stored> builder = new StoredReaderBuilder(file);
      if (fromStep.isPresent()) {
        // Row groups and pages of earlier steps are skipped by their statistics, unread.
        builder.withFilter(
            FilterCompat.get(FilterApi.gtEq(FilterApi.longColumn("step"), fromStep.get())));
      }
      try {
        this.parquet = builder.build();
      } catch (IOException e) {
        throw failed("read", path, e);
      }
    }

    private Optional<Stored> nextStored() {
      try {
        return Optional.ofNullable(parquet.read());
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

  /** A row as a file holds it. */
  private record Stored(TokenizedRow row, Optional<PlacedRow> place) {}

  private static final class StoredWriterBuilder
      extends ParquetWriter.Builder<Stored, StoredWriterBuilder> {
    private StoredWriterBuilder(OutputFile file) {
      super(file);
    }

    @Override
    protected StoredWriterBuilder self() {
      return this;
    }

    @Override
    protected WriteSupport<Stored> getWriteSupport(Configuration configuration) {
      return new StoredWriteSupport();
    }

    @Override
    protected WriteSupport<Stored> getWriteSupport(ParquetConfiguration configuration) {
      return new StoredWriteSupport();
    }
  }

  private static final class StoredWriteSupport extends WriteSupport<Stored> {
    private RecordConsumer out;

    @Override
    public WriteContext init(Configuration configuration) {
      return new WriteContext(SCHEMA, Map.of("plumbline.format", "tokenized_rows.1"));
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
      return new WriteContext(SCHEMA, Map.of("plumbline.format", "tokenized_rows.1"));
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
      out = consumer;
    }

    @Override
    public void write(Stored stored) {
      TokenizedRow row = stored.row();
      out.startMessage();
      field(FINGERPRINT, () -> out.addBinary(Binary.fromString(row.fingerprint())));
      field(ROW, () -> out.addLong(row.index()));
      stored.place().ifPresent(place -> field(STEP, () -> out.addLong(place.step())));
      stored.place().ifPresent(place -> field(SLOT, () -> out.addInteger(place.slot())));
      field(PROMPT_IDS, () -> ints(row.prompt()));
      lists(COMPLETIONS, row.completions(), this::ints);
      lists(LOSS_MASKS, row.lossMasks(), this::bytes);
      lists(REFERENCE_LOGPS, row.referenceLogps(), this::floats);
      if (!Double.isNaN(row.margin())) {
        field(MARGIN, () -> out.addDouble(row.margin()));
      }
      if (row.desirability() != Desirability.UNSTATED) {
        field(DESIRABLE, () -> out.addBoolean(row.desirability() == Desirability.DESIRABLE));
      }
      if (!row.columns().isEmpty()) {
        field(COLUMNS, () -> out.addBinary(Binary.fromString(row.columns())));
      }
      out.endMessage();
    }

    private void field(int column, Runnable value) {
      String name = SCHEMA.getFieldName(column);
      out.startField(name, column);
      value.run();
      out.endField(name, column);
    }

    private <T> void lists(int column, List<T> lists, java.util.function.Consumer<T> list) {
      field(
          column,
          () -> {
            out.startGroup();
            if (!lists.isEmpty()) {
              out.startField("list", 0);
              for (T one : lists) {
                out.startGroup();
                out.startField("element", 0);
                list.accept(one);
                out.endField("element", 0);
                out.endGroup();
              }
              out.endField("list", 0);
            }
            out.endGroup();
          });
    }

    private void list(int length, java.util.function.IntConsumer element) {
      out.startGroup();
      if (length > 0) {
        out.startField("list", 0);
        for (int i = 0; i < length; i++) {
          out.startGroup();
          out.startField("element", 0);
          element.accept(i);
          out.endField("element", 0);
          out.endGroup();
        }
        out.endField("list", 0);
      }
      out.endGroup();
    }

    private void ints(int[] values) {
      list(values.length, i -> out.addInteger(values[i]));
    }

    private void bytes(byte[] values) {
      list(values.length, i -> out.addInteger(values[i]));
    }

    private void floats(float[] values) {
      list(values.length, i -> out.addFloat(values[i]));
    }
  }

  private static final class StoredReaderBuilder extends ParquetReader.Builder<Stored> {
    private StoredReaderBuilder(InputFile file) {
      super(file);
    }

    @Override
    protected ReadSupport<Stored> getReadSupport() {
      return new StoredReadSupport();
    }
  }

  private static final class StoredReadSupport extends ReadSupport<Stored> {
    @Override
    public ReadContext init(
        Configuration configuration, Map<String, String> metadata, MessageType schema) {
      return new ReadContext(SCHEMA);
    }

    @Override
    public ReadContext init(
        ParquetConfiguration configuration, Map<String, String> metadata, MessageType schema) {
      return new ReadContext(SCHEMA);
    }

    @Override
    public RecordMaterializer<Stored> prepareForRead(
        Configuration configuration,
        Map<String, String> metadata,
        MessageType schema,
        ReadContext context) {
      return new StoredMaterializer();
    }

    @Override
    public RecordMaterializer<Stored> prepareForRead(
        ParquetConfiguration configuration,
        Map<String, String> metadata,
        MessageType schema,
        ReadContext context) {
      return new StoredMaterializer();
    }
  }

  private static final class StoredMaterializer extends RecordMaterializer<Stored> {
    private final RowConverter root = new RowConverter();

    @Override
    public Stored getCurrentRecord() {
      return root.stored();
    }

    @Override
    public GroupConverter getRootConverter() {
      return root;
    }
  }

  private static final class RowConverter extends GroupConverter {
    private String fingerprint = "";
    private long index;
    private Optional<Long> step = Optional.empty();
    private int slot;
    private double margin = Double.NaN;
    private Desirability desirability = Desirability.UNSTATED;
    private String kept = "";
    private final Numbers prompt = new Numbers();
    private final Lists<int[]> completions = new Lists<>(new Numbers(), Numbers::ints);
    private final Lists<byte[]> lossMasks = new Lists<>(new Numbers(), Numbers::bytes);
    private final Lists<float[]> referenceLogps = new Lists<>(new Numbers(), Numbers::floats);
    private final Converter[] columns = {
      new PrimitiveConverter() {
        @Override
        public void addBinary(Binary value) {
          fingerprint = value.toStringUsingUTF8();
        }
      },
      new PrimitiveConverter() {
        @Override
        public void addLong(long value) {
          index = value;
        }
      },
      new PrimitiveConverter() {
        @Override
        public void addLong(long value) {
          step = Optional.of(value);
        }
      },
      new PrimitiveConverter() {
        @Override
        public void addInt(int value) {
          slot = value;
        }
      },
      prompt,
      completions,
      lossMasks,
      referenceLogps,
      new PrimitiveConverter() {
        @Override
        public void addDouble(double value) {
          margin = value;
        }
      },
      new PrimitiveConverter() {
        @Override
        public void addBoolean(boolean value) {
          desirability = value ? Desirability.DESIRABLE : Desirability.UNDESIRABLE;
        }
      },
      new PrimitiveConverter() {
        @Override
        public void addBinary(Binary value) {
          kept = value.toStringUsingUTF8();
        }
      }
    };

    @Override
    public Converter getConverter(int column) {
      return columns[column];
    }

    @Override
    public void start() {
      step = Optional.empty();
      margin = Double.NaN;
      desirability = Desirability.UNSTATED;
      kept = "";
    }

    @Override
    public void end() {}

    private Stored stored() {
      TokenizedRow row =
          new TokenizedRow(
              fingerprint,
              index,
              prompt.ints(),
              completions.values,
              lossMasks.values,
              referenceLogps.values,
              margin,
              desirability,
              kept);
      return new Stored(row, step.map(s -> new PlacedRow(s, slot, row)));
    }
  }

  /** A group whose one field has one converter: what Parquet's lists are made of. */
  private static class Wrapper extends GroupConverter {
    private final Converter field;

    private Wrapper(Converter field) {
      this.field = field;
    }

    @Override
    public Converter getConverter(int index) {
      return field;
    }

    @Override
    public void start() {}

    @Override
    public void end() {}
  }

  /** A list of numbers; floats are kept as their bits. */
  private static final class Numbers extends GroupConverter {
    private int[] values = new int[64];
    private int size;
    private final Converter list =
        new Wrapper(
            new PrimitiveConverter() {
              @Override
              public void addInt(int value) {
                add(value);
              }

              @Override
              public void addFloat(float value) {
                add(Float.floatToRawIntBits(value));
              }
            });

    private void add(int value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, size * 2);
      }
      values[size++] = value;
    }

    private int[] ints() {
      return Arrays.copyOf(values, size);
    }

    private byte[] bytes() {
      byte[] bytes = new byte[size];
      for (int i = 0; i < size; i++) {
        bytes[i] = (byte) values[i];
      }
      return bytes;
    }

    private float[] floats() {
      float[] floats = new float[size];
      for (int i = 0; i < size; i++) {
        floats[i] = Float.intBitsToFloat(values[i]);
      }
      return floats;
    }

    @Override
    public Converter getConverter(int index) {
      return list;
    }

    @Override
    public void start() {
      size = 0;
    }

    @Override
    public void end() {}
  }

  /** A list of lists of numbers. */
  private static final class Lists<T> extends GroupConverter {
    private List<T> values = new ArrayList<>();
    private final Converter list;

    private Lists(Numbers element, java.util.function.Function<Numbers, T> toArray) {
      this.list =
          new Wrapper(element) {
            @Override
            public void end() {
              values.add(toArray.apply(element));
            }
          };
    }

    @Override
    public Converter getConverter(int index) {
      return list;
    }

    @Override
    public void start() {
      values = new ArrayList<>();
    }

    @Override
    public void end() {}
  }
}
