package io.plumbline.parquet;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.filter2.compat.FilterCompat;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Type.Repetition;

/**
 * The columns of a kind of rows: their schema, and how a row is written to them and read from them.
 *
 * @param <T> the rows
 */
public final class Columns<T> {
  /** A column; {@code value} is empty where it is null. */
  private record Column<T, V>(
      String name, Repetition repetition, Kind<V> kind, Function<T, Optional<V>> value) {
    private Type type() {
      return kind.type(repetition, name);
    }

    private void write(RecordConsumer out, int index, T row) {
      value
          .apply(row)
          .ifPresent(
              present -> {
                out.startField(name, index);
                kind.write(out, present);
                out.endField(name, index);
              });
    }

    private Converter converter(Cells cells) {
      return kind.converter(read -> cells.put(name, read));
    }
  }

  private final List<Column<T, ?>> columns;
  private final MessageType schema;
  private final Map<String, String> metadata;
  private final Function<Cells, T> row;

  private Columns(Builder<T> builder, Function<Cells, T> row) {
    this.columns = List.copyOf(builder.columns);
    this.schema = new MessageType(builder.name, columns.stream().map(Column::type).toList());
    this.metadata = builder.metadata;
    this.row = row;
  }

  /**
   * Starts the columns of a message.
   *
   * @param metadata what the footer of a file says besides
   */
  public static <T> Builder<T> of(String name, Map<String, String> metadata) {
    return new Builder<>(name, metadata);
  }

  /** Columns in the order of the file. */
  public static final class Builder<T> {
    private final String name;
    private final Map<String, String> metadata;
    private final List<Column<T, ?>> columns = new ArrayList<>();

    private Builder(String name, Map<String, String> metadata) {
      this.name = name;
      this.metadata = Map.copyOf(metadata);
    }

    /** A column that every row has a value in. */
    public <V> Builder<T> required(String name, Kind<V> kind, Function<T, V> value) {
      columns.add(new Column<>(name, Repetition.REQUIRED, kind, value.andThen(Optional::of)));
      return this;
    }

    /** A column that is null in some rows. */
    public <V> Builder<T> optional(String name, Kind<V> kind, Function<T, Optional<V>> value) {
      columns.add(new Column<>(name, Repetition.OPTIONAL, kind, value));
      return this;
    }

    /** The columns, and what their cells make. */
    public Columns<T> readBy(Function<Cells, T> row) {
      return new Columns<>(this, row);
    }
  }

  public MessageType schema() {
    return schema;
  }

  /** What the cells of a row make; every column must have been read. */
  public T row(Cells cells) {
    return row.apply(cells);
  }

  /** A writer of rows; {@code settings} sets its codec and sizes. */
  public ParquetWriter<T> writer(
      OutputFile file, UnaryOperator<ParquetWriter.Builder<T, ?>> settings) throws IOException {
    return settings.apply(new WriterBuilder(file)).build();
  }

  /** A reader of all columns. */
  public ParquetReader<Cells> reader(InputFile file) throws IOException {
    return new ReaderBuilder(file, schema).build();
  }

  /** A reader of some columns; what the others hold is never fetched. */
  public ParquetReader<Cells> reader(InputFile file, Set<String> names) throws IOException {
    List<Type> read =
        schema.getFields().stream().filter(field -> names.contains(field.getName())).toList();
    return new ReaderBuilder(file, new MessageType(schema.getName(), read)).build();
  }

  /** A reader of the rows that a filter lets pass; pages without any are skipped unread. */
  public ParquetReader<Cells> reader(InputFile file, FilterCompat.Filter filter)
      throws IOException {
    return new ReaderBuilder(file, schema).withFilter(filter).build();
  }

  private final class WriterBuilder extends ParquetWriter.Builder<T, WriterBuilder> {
    private WriterBuilder(OutputFile file) {
      super(file);
      withConf(new Configuration(false));
    }

    @Override
    protected WriterBuilder self() {
      return this;
    }

    @Override
    protected WriteSupport<T> getWriteSupport(Configuration configuration) {
      return new RowWriting();
    }

    @Override
    protected WriteSupport<T> getWriteSupport(ParquetConfiguration configuration) {
      return new RowWriting();
    }
  }

  private final class RowWriting extends WriteSupport<T> {
    private RecordConsumer out;

    @Override
    public WriteContext init(Configuration configuration) {
      return new WriteContext(schema, metadata);
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
      return new WriteContext(schema, metadata);
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
      out = consumer;
    }

    @Override
    public void write(T written) {
      out.startMessage();
      for (int i = 0; i < columns.size(); i++) {
        columns.get(i).write(out, i, written);
      }
      out.endMessage();
    }
  }

  private final class ReaderBuilder extends ParquetReader.Builder<Cells> {
    private final MessageType read;

    private ReaderBuilder(InputFile file, MessageType read) {
      super(file);
      this.read = read;
      // Writers write them unless told not to; a flipped bit is not another row.
      usePageChecksumVerification();
    }

    @Override
    protected ReadSupport<Cells> getReadSupport() {
      return new CellReading(read);
    }
  }

  private final class CellReading extends ReadSupport<Cells> {
    private final MessageType read;

    private CellReading(MessageType read) {
      this.read = read;
    }

    @Override
    public ReadContext init(
        Configuration configuration, Map<String, String> footer, MessageType fileSchema) {
      return new ReadContext(read);
    }

    @Override
    public ReadContext init(
        ParquetConfiguration configuration, Map<String, String> footer, MessageType fileSchema) {
      return new ReadContext(read);
    }

    @Override
    public RecordMaterializer<Cells> prepareForRead(
        Configuration configuration,
        Map<String, String> footer,
        MessageType fileSchema,
        ReadContext context) {
      return new Materializer(read);
    }

    @Override
    public RecordMaterializer<Cells> prepareForRead(
        ParquetConfiguration configuration,
        Map<String, String> footer,
        MessageType fileSchema,
        ReadContext context) {
      return new Materializer(read);
    }
  }

  /** Fills the same cells with row after row. */
  private final class Materializer extends RecordMaterializer<Cells> {
    private final Cells cells = new Cells(schema);
    private final GroupConverter root;

    private Materializer(MessageType read) {
      Converter[] converters =
          read.getFields().stream()
              .map(field -> columns.get(schema.getFieldIndex(field.getName())).converter(cells))
              .toArray(Converter[]::new);
      root =
          new Kind.Group(converters) {
            @Override
            public void start() {
              cells.clear();
            }
          };
    }

    @Override
    public Cells getCurrentRecord() {
      return cells;
    }

    @Override
    public GroupConverter getRootConverter() {
      return root;
    }
  }
}
