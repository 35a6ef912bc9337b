package io.plumbline.rollout.ledger;

import io.plumbline.model.Generation.Finish;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;

/** The values of one row as Parquet hands them over, by column. */
final class LedgerCells {
  private final Object[] cells = new Object[LedgerFile.SCHEMA.getFieldCount()];

  private LedgerCells() {}

  private Optional<Object> cell(String column) {
    return Optional.ofNullable(cells[LedgerFile.SCHEMA.getFieldIndex(column)]);
  }

  private Object required(String column) {
    return cell(column)
        .orElseThrow(() -> new IllegalStateException("no value in the column " + column));
  }

  long integer(String column) {
    return ((Number) required(column)).longValue();
  }

  boolean flag(String column) {
    return (Boolean) required(column);
  }

  String text(String column) {
    return (String) required(column);
  }

  OptionalDouble number(String column) {
    return cell(column).isPresent()
        ? OptionalDouble.of((Double) required(column))
        : OptionalDouble.empty();
  }

  @SuppressWarnings("unchecked") // As the map's converter made it.
  Map<String, OptionalDouble> map(String column) {
    return (Map<String, OptionalDouble>) required(column);
  }

  Optional<String> optionalText(String column) {
    return cell(column).map(String.class::cast);
  }

  private Optional<Numbers> list(String column) {
    return cell(column).map(Numbers.class::cast);
  }

  /** The whole row; every column must have been read. */
  LedgerRow row() {
    return new LedgerRow(
        integer("step"),
        integer("phase"),
        (int) integer("rank"),
        integer("prompt_index"),
        (int) integer("slot"),
        (int) integer("sample"),
        text("prompt"),
        text("completion"),
        (int) integer("prompt_tokens"),
        list("tokens").orElseThrow().ints(),
        list("logps").orElseThrow().floats(),
        list("reference_logps").map(Numbers::floats),
        number("reward"),
        map("rewards"),
        map("costs"),
        number("advantage"),
        list("token_advantages").map(Numbers::doubles),
        Finish.valueOf(text("finish").toUpperCase(Locale.ROOT)),
        integer("policy_version"),
        optionalText("failure"));
  }

  /** Fills the same cells with row after row. */
  static final class Materializer extends RecordMaterializer<LedgerCells> {
    private final LedgerCells row = new LedgerCells();
    private final GroupConverter root;

    Materializer(MessageType columns) {
      Converter[] converters =
          columns.getFields().stream().map(row::converter).toArray(Converter[]::new);
      root =
          new Fields(converters) {
            @Override
            public void start() {
              Arrays.fill(row.cells, null);
            }
          };
    }

    @Override
    public LedgerCells getCurrentRecord() {
      return row;
    }

    @Override
    public GroupConverter getRootConverter() {
      return root;
    }
  }

  private Converter converter(Type column) {
    int at = LedgerFile.SCHEMA.getFieldIndex(column.getName());
    if (column.isPrimitive()) {
      return new Scalar() {
        @Override
        void add(Object value) {
          cells[at] = value;
        }
      };
    }
    if (column.getLogicalTypeAnnotation() instanceof MapLogicalTypeAnnotation) {
      return new MapConverter() {
        @Override
        public void end() {
          cells[at] = values;
        }
      };
    }
    return new Numbers() {
      @Override
      public void end() {
        cells[at] = this;
      }
    };
  }

  private static class Fields extends GroupConverter {
    private final Converter[] fields;

    private Fields(Converter... fields) {
      this.fields = fields;
    }

    @Override
    public Converter getConverter(int index) {
      return fields[index];
    }

    @Override
    public void start() {}

    @Override
    public void end() {}
  }

  private abstract static class Scalar extends PrimitiveConverter {
    abstract void add(Object value);

    @Override
    public void addBinary(Binary value) {
      add(value.toStringUsingUTF8());
    }

    @Override
    public void addBoolean(boolean value) {
      add(value);
    }

    @Override
    public void addInt(int value) {
      add(value);
    }

    @Override
    public void addLong(long value) {
      add(value);
    }

    @Override
    public void addDouble(double value) {
      add(value);
    }
  }

  private abstract static class MapConverter extends GroupConverter {
    Map<String, OptionalDouble> values = new LinkedHashMap<>();
    private String key = "";
    private OptionalDouble value = OptionalDouble.empty();

    private final Converter entry =
        new Fields(
            new Scalar() {
              @Override
              void add(Object text) {
                key = (String) text;
              }
            },
            new Scalar() {
              @Override
              void add(Object number) {
                value = OptionalDouble.of((Double) number);
              }
            }) {
          @Override
          public void start() {
            value = OptionalDouble.empty();
          }

          @Override
          public void end() {
            values.put(key, value);
          }
        };

    @Override
    public Converter getConverter(int index) {
      return entry;
    }

    @Override
    public void start() {
      values = new LinkedHashMap<>();
    }
  }

  /** A list of numbers; a double holds every int and every float as it is. */
  private abstract static class Numbers extends GroupConverter {
    private double[] values = new double[64];
    private int size;

    private final Converter list =
        new Fields(
            new PrimitiveConverter() {
              @Override
              public void addInt(int value) {
                add(value);
              }

              @Override
              public void addFloat(float value) {
                add(value);
              }

              @Override
              public void addDouble(double value) {
                add(value);
              }
            });

    private void add(double value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, size * 2);
      }
      values[size++] = value;
    }

    private int[] ints() {
      return Arrays.stream(values, 0, size).mapToInt(value -> (int) value).toArray();
    }

    private float[] floats() {
      float[] floats = new float[size];
      for (int i = 0; i < size; i++) {
        floats[i] = (float) values[i];
      }
      return floats;
    }

    private double[] doubles() {
      return Arrays.copyOf(values, size);
    }

    @Override
    public Converter getConverter(int index) {
      return list;
    }

    @Override
    public void start() {
      size = 0;
    }
  }
}
