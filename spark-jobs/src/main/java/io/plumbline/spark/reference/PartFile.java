package io.plumbline.spark.reference;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.InitContext;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.DelegatingSeekableInputStream;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.apache.parquet.io.SeekableInputStream;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/**
 * A part of the cache as the bytes of a Parquet file. Parts are small, so they are made and read in
 * memory: that gives their digest for free and needs no rename and no seek from the file system.
 */
final class PartFile {
  static final MessageType SCHEMA =
      MessageTypeParser.parseMessageType(
          """
          message reference_logps {
            required binary fingerprint (STRING);
            required group lengths (LIST) {
              repeated group list { required int32 element; }
            }
            required group logps (LIST) {
              repeated group list {
                required group element (LIST) {
                  repeated group list { required float element; }
                }
              }
            }
          }
          """);

  private PartFile() {}

  static byte[] encode(List<CachedRow> rows) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ParquetWriter<CachedRow> writer = new WriterBuilder(new MemoryOutput(bytes)).build()) {
      for (CachedRow row : rows) {
        writer.write(row);
      }
    }
    return bytes.toByteArray();
  }

  static List<CachedRow> decode(byte[] file) throws IOException {
    List<CachedRow> rows = new ArrayList<>();
    try (ParquetReader<CachedRow> reader = new ReaderBuilder(new MemoryInput(file)).build()) {
      for (CachedRow row = reader.read(); row != null; row = reader.read()) {
        rows.add(row);
      }
    }
    return rows;
  }

  private static final class WriterBuilder extends ParquetWriter.Builder<CachedRow, WriterBuilder> {
    WriterBuilder(OutputFile file) {
      super(file);
      // Log-probabilities hardly compress; without a codec any reader can read the part.
      withDictionaryEncoding(false);
    }

    @Override
    protected WriterBuilder self() {
      return this;
    }

    @Override
    protected WriteSupport<CachedRow> getWriteSupport(Configuration conf) {
      return new Writing();
    }
  }

  private static final class Writing extends WriteSupport<CachedRow> {
    private RecordConsumer out;

    @Override
    public WriteContext init(Configuration configuration) {
      return new WriteContext(SCHEMA, Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer recordConsumer) {
      out = recordConsumer;
    }

    @Override
    public void write(CachedRow row) {
      out.startMessage();
      out.startField("fingerprint", 0);
      out.addBinary(Binary.fromString(row.fingerprint()));
      out.endField("fingerprint", 0);
      out.startField("lengths", 1);
      out.startGroup();
      list(
          row.logps().length,
          i -> {
            out.addInteger(row.logps()[i].length);
          });
      out.endGroup();
      out.endField("lengths", 1);
      out.startField("logps", 2);
      out.startGroup();
      list(
          row.logps().length,
          i -> {
            float[] logps = row.logps()[i];
            out.startGroup();
            list(logps.length, t -> out.addFloat(logps[t]));
            out.endGroup();
          });
      out.endGroup();
      out.endField("logps", 2);
      out.endMessage();
    }

    private void list(int size, java.util.function.IntConsumer element) {
      if (size == 0) {
        return;
      }
      out.startField("list", 0);
      for (int i = 0; i < size; i++) {
        out.startGroup();
        out.startField("element", 0);
        element.accept(i);
        out.endField("element", 0);
        out.endGroup();
      }
      out.endField("list", 0);
    }
  }

  private static final class ReaderBuilder extends ParquetReader.Builder<CachedRow> {
    ReaderBuilder(InputFile file) {
      super(file);
    }

    @Override
    protected ReadSupport<CachedRow> getReadSupport() {
      return new Reading();
    }
  }

  private static final class Reading extends ReadSupport<CachedRow> {
    @Override
    public ReadContext init(InitContext context) {
      return new ReadContext(SCHEMA);
    }

    @Override
    public RecordMaterializer<CachedRow> prepareForRead(
        Configuration configuration,
        Map<String, String> metadata,
        MessageType fileSchema,
        ReadContext context) {
      return new Materializer();
    }
  }

  private static final class Materializer extends RecordMaterializer<CachedRow> {
    private String fingerprint;
    private final List<Integer> lengths = new ArrayList<>();
    private final List<float[]> logps = new ArrayList<>();
    private float[] values = new float[256];
    private int count;

    private final GroupConverter root =
        new Struct(
            new PrimitiveConverter() {
              @Override
              public void addBinary(Binary value) {
                fingerprint = value.toStringUsingUTF8();
              }
            },
            listOf(
                new PrimitiveConverter() {
                  @Override
                  public void addInt(int value) {
                    lengths.add(value);
                  }
                }),
            listOf(
                new Struct(
                    new Struct(
                        new PrimitiveConverter() {
                          @Override
                          public void addFloat(float value) {
                            if (count == values.length) {
                              values = Arrays.copyOf(values, 2 * count);
                            }
                            values[count++] = value;
                          }
                        })) {
                  @Override
                  public void start() {
                    count = 0;
                  }

                  @Override
                  public void end() {
                    logps.add(Arrays.copyOf(values, count));
                  }
                })) {
          @Override
          public void start() {
            lengths.clear();
            logps.clear();
          }
        };

    private static Struct listOf(Converter element) {
      return new Struct(new Struct(element));
    }

    @Override
    public CachedRow getCurrentRecord() {
      for (int i = 0; i < Math.max(lengths.size(), logps.size()); i++) {
        if (lengths.size() != logps.size() || lengths.get(i) != logps.get(i).length) {
          throw new org.apache.parquet.io.ParquetDecodingException(
              "lengths and log-probabilities of row " + fingerprint + " differ");
        }
      }
      return new CachedRow(fingerprint, logps.toArray(new float[0][]));
    }

    @Override
    public GroupConverter getRootConverter() {
      return root;
    }
  }

  private static class Struct extends GroupConverter {
    private final Converter[] fields;

    Struct(Converter... fields) {
      this.fields = fields;
    }

    @Override
    public Converter getConverter(int field) {
      return fields[field];
    }

    @Override
    public void start() {}

    @Override
    public void end() {}
  }

  private record MemoryOutput(ByteArrayOutputStream bytes) implements OutputFile {
    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return new PositionOutputStream() {
        @Override
        public long getPos() {
          return bytes.size();
        }

        @Override
        public void write(int b) {
          bytes.write(b);
        }

        @Override
        public void write(byte[] b, int off, int len) {
          bytes.write(b, off, len);
        }
      };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return create(blockSizeHint);
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }
  }

  private record MemoryInput(byte[] bytes) implements InputFile {
    @Override
    public long getLength() {
      return bytes.length;
    }

    @Override
    public SeekableInputStream newStream() {
      Position stream = new Position(bytes);
      return new DelegatingSeekableInputStream(stream) {
        @Override
        public long getPos() {
          return stream.position();
        }

        @Override
        public void seek(long position) {
          stream.position((int) position);
        }
      };
    }
  }

  private static final class Position extends ByteArrayInputStream {
    Position(byte[] bytes) {
      super(bytes);
    }

    int position() {
      return pos;
    }

    void position(int position) {
      pos = position;
    }
  }
}
