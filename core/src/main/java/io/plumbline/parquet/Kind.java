package io.plumbline.parquet;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.BiConsumer;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.ToIntFunction;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Type.Repetition;
import org.apache.parquet.schema.Types;

/**
 * A kind of values that a column can hold: its Parquet type, how a value is written and how it is
 * read. Lists and maps have the standard layout of three levels.
 *
 * @param <V> the values; arrays are copies
 */
public abstract class Kind<V> {
  /** UTF-8 text. */
  public static final Kind<String> TEXT =
      new Primitive<>(
          PrimitiveTypeName.BINARY,
          LogicalTypeAnnotation.stringType(),
          (out, value) -> out.addBinary(Binary.fromString(value)));

  public static final Kind<Long> INT64 =
      new Primitive<>(PrimitiveTypeName.INT64, null, RecordConsumer::addLong);

  public static final Kind<Integer> INT32 =
      new Primitive<>(PrimitiveTypeName.INT32, null, RecordConsumer::addInteger);

  public static final Kind<Double> DOUBLE =
      new Primitive<>(PrimitiveTypeName.DOUBLE, null, RecordConsumer::addDouble);

  public static final Kind<Boolean> BOOLEAN =
      new Primitive<>(PrimitiveTypeName.BOOLEAN, null, RecordConsumer::addBoolean);

  /** A list of int32. */
  public static final Kind<int[]> INTS =
      new Numbers<>(
          PrimitiveTypeName.INT32,
          null,
          values -> values.length,
          (out, values) -> i -> out.addInteger(values[i]),
          Numbers.Values::ints);

  /** A list of int8. */
  static final Kind<byte[]> BYTES =
      new Numbers<>(
          PrimitiveTypeName.INT32,
          LogicalTypeAnnotation.intType(8, true),
          values -> values.length,
          (out, values) -> i -> out.addInteger(values[i]),
          Numbers.Values::bytes);

  /** A list of float. */
  public static final Kind<float[]> FLOATS =
      new Numbers<>(
          PrimitiveTypeName.FLOAT,
          null,
          values -> values.length,
          (out, values) -> i -> out.addFloat(values[i]),
          Numbers.Values::floats);

  /** A list of double. */
  public static final Kind<double[]> DOUBLES =
      new Numbers<>(
          PrimitiveTypeName.DOUBLE,
          null,
          values -> values.length,
          (out, values) -> i -> out.addDouble(values[i]),
          Numbers.Values::doubles);

  public static final Kind<List<int[]>> INT_LISTS = new Lists<>(INTS);

  public static final Kind<List<byte[]>> BYTE_LISTS = new Lists<>(BYTES);

  public static final Kind<List<float[]>> FLOAT_LISTS = new Lists<>(FLOATS);

  /** A map from text to double, whose values may be null; in the order of the file. */
  public static final Kind<Map<String, OptionalDouble>> DOUBLES_BY_NAME = new DoublesByName();

  private Kind() {}

  abstract Type type(Repetition repetition, String name);

  /** Writes a value whose field has been started. */
  abstract void write(RecordConsumer out, V value);

  /** What Parquet hands a column's parts to; {@code read} takes each whole value. */
  abstract Converter converter(Consumer<V> read);

  private static void field(RecordConsumer out, String name, int index, Runnable value) {
    out.startField(name, index);
    value.run();
    out.endField(name, index);
  }

  /** A group with one repeated field, which Parquet wants left out where it repeats not at all. */
  private static void repeated(RecordConsumer out, String name, int count, Runnable items) {
    out.startGroup();
    if (count > 0) {
      field(out, name, 0, items);
    }
    out.endGroup();
  }

  private static final class Primitive<V> extends Kind<V> {
    private final PrimitiveTypeName primitive;
    private final LogicalTypeAnnotation logical;
    private final BiConsumer<RecordConsumer, V> writer;

    private Primitive(
        PrimitiveTypeName primitive,
        LogicalTypeAnnotation logical,
        BiConsumer<RecordConsumer, V> writer) {
      this.primitive = primitive;
      this.logical = logical;
      this.writer = writer;
    }

    @Override
    Type type(Repetition repetition, String name) {
      return Types.primitive(primitive, repetition).as(logical).named(name);
    }

    @Override
    void write(RecordConsumer out, V value) {
      writer.accept(out, value);
    }

    @Override
    @SuppressWarnings(
        "unchecked") // The schema that a file is read by has values of this kind only.
    Converter converter(Consumer<V> read) {
      return new PrimitiveConverter() {
        @Override
        public void addBinary(Binary value) {
          read.accept((V) value.toStringUsingUTF8());
        }

        @Override
        public void addLong(long value) {
          read.accept((V) (Long) value);
        }

        @Override
        public void addInt(int value) {
          read.accept((V) (Integer) value);
        }

        @Override
        public void addDouble(double value) {
          read.accept((V) (Double) value);
        }

        @Override
        public void addBoolean(boolean value) {
          read.accept((V) (Boolean) value);
        }
      };
    }
  }

  /** A list of numbers as an array. */
  private static final class Numbers<V> extends Kind<V> {
    private final PrimitiveTypeName primitive;
    private final LogicalTypeAnnotation logical;
    private final ToIntFunction<V> length;
    private final BiFunction<RecordConsumer, V, IntConsumer> element;
    private final Function<Values, V> toArray;

    private Numbers(
        PrimitiveTypeName primitive,
        LogicalTypeAnnotation logical,
        ToIntFunction<V> length,
        BiFunction<RecordConsumer, V, IntConsumer> element,
        Function<Values, V> toArray) {
      this.primitive = primitive;
      this.logical = logical;
      this.length = length;
      this.element = element;
      this.toArray = toArray;
    }

    @Override
    Type type(Repetition repetition, String name) {
      return Lists.of(repetition, name, Types.required(primitive).as(logical).named(Lists.ELEMENT));
    }

    @Override
    void write(RecordConsumer out, V values) {
      int count = length.applyAsInt(values);
      IntConsumer one = element.apply(out, values);
      Lists.write(out, count, one);
    }

    @Override
    Converter converter(Consumer<V> read) {
      Values values = new Values();
      return new Group(new Group(values)) {
        @Override
        public void start() {
          values.size = 0;
        }

        @Override
        public void end() {
          read.accept(toArray.apply(values));
        }
      };
    }

    /** Numbers of one list; a double holds every int and every float as it is. */
    private static final class Values extends PrimitiveConverter {
      private double[] values = new double[64];
      private int size;

      @Override
      public void addInt(int value) {
        addDouble(value);
      }

      @Override
      public void addFloat(float value) {
        addDouble(value);
      }

      @Override
      public void addDouble(double value) {
        if (size == values.length) {
          values = Arrays.copyOf(values, size * 2);
        }
        values[size++] = value;
      }

      private int[] ints() {
        int[] ints = new int[size];
        for (int i = 0; i < size; i++) {
          ints[i] = (int) values[i];
        }
        return ints;
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
          floats[i] = (float) values[i];
        }
        return floats;
      }

      private double[] doubles() {
        return Arrays.copyOf(values, size);
      }
    }
  }

  /** A list of lists of numbers. */
  private static final class Lists<V> extends Kind<List<V>> {
    private static final String LIST = "list";
    private static final String ELEMENT = "element";

    private final Kind<V> inner;

    private Lists(Kind<V> inner) {
      this.inner = inner;
    }

    private static Type of(Repetition repetition, String name, Type element) {
      return Types.buildGroup(repetition)
          .as(LogicalTypeAnnotation.listType())
          .addField(Types.repeatedGroup().addField(element).named(LIST))
          .named(name);
    }

    private static void write(RecordConsumer out, int count, IntConsumer element) {
      repeated(
          out,
          LIST,
          count,
          () -> {
            for (int i = 0; i < count; i++) {
              int at = i;
              out.startGroup();
              field(out, ELEMENT, 0, () -> element.accept(at));
              out.endGroup();
            }
          });
    }

    @Override
    Type type(Repetition repetition, String name) {
      return of(repetition, name, inner.type(Repetition.REQUIRED, ELEMENT));
    }

    @Override
    void write(RecordConsumer out, List<V> values) {
      write(out, values.size(), i -> inner.write(out, values.get(i)));
    }

    @Override
    Converter converter(Consumer<List<V>> read) {
      List<V> values = new ArrayList<>();
      return new Group(new Group(inner.converter(values::add))) {
        @Override
        public void start() {
          values.clear();
        }

        @Override
        public void end() {
          read.accept(List.copyOf(values));
        }
      };
    }
  }

  private static final class DoublesByName extends Kind<Map<String, OptionalDouble>> {
    private static final String ENTRIES = "key_value";
    private static final String KEY = "key";
    private static final String VALUE = "value";

    @Override
    Type type(Repetition repetition, String name) {
      return Types.buildGroup(repetition)
          .as(LogicalTypeAnnotation.mapType())
          .addField(
              Types.repeatedGroup()
                  .addField(TEXT.type(Repetition.REQUIRED, KEY))
                  .addField(DOUBLE.type(Repetition.OPTIONAL, VALUE))
                  .named(ENTRIES))
          .named(name);
    }

    @Override
    void write(RecordConsumer out, Map<String, OptionalDouble> values) {
      repeated(
          out,
          ENTRIES,
          values.size(),
          () ->
              values.forEach(
                  (key, value) -> {
                    out.startGroup();
                    field(out, KEY, 0, () -> TEXT.write(out, key));
                    value.ifPresent(
                        number -> field(out, VALUE, 1, () -> DOUBLE.write(out, number)));
                    out.endGroup();
                  }));
    }

    @Override
    Converter converter(Consumer<Map<String, OptionalDouble>> read) {
      return new Entries(read);
    }

    private static final class Entries extends Group {
      private final Map<String, OptionalDouble> values = new LinkedHashMap<>();
      private final Consumer<Map<String, OptionalDouble>> read;
      private String key = "";
      private OptionalDouble value = OptionalDouble.empty();
      private final Converter entry =
          new Group(
              TEXT.converter(text -> key = text),
              DOUBLE.converter(number -> value = OptionalDouble.of(number))) {
            @Override
            public void start() {
              value = OptionalDouble.empty();
            }

            @Override
            public void end() {
              values.put(key, value);
            }
          };

      private Entries(Consumer<Map<String, OptionalDouble>> read) {
        this.read = read;
      }

      @Override
      public Converter getConverter(int index) {
        return entry;
      }

      @Override
      public void start() {
        values.clear();
      }

      @Override
      public void end() {
        read.accept(new LinkedHashMap<>(values));
      }
    }
  }

  /** A group whose fields have a converter each. */
  static class Group extends GroupConverter {
    private final Converter[] fields;

    Group(Converter... fields) {
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
}
