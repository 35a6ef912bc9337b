package io.plumbline.data;

import com.fasterxml.jackson.core.io.NumberOutput;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.function.LongFunction;
import org.apache.parquet.column.Dictionary;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DateLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.EnumLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.Float16LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.JsonLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.StringLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.UUIDLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType;

/**
 * Parquet's primitive types as the values that JSON lines of the same rows have. Where Spark reads
 * a type, the value is that which its {@code to_json} writes and a JSON parser reads;
 * docs/data-formats.md has the table.
 */
abstract class ParquetLeaf extends PrimitiveConverter {
  /** Spark's day of 1970-01-01 in the Julian day numbers of INT96. */
  private static final long JULIAN_EPOCH_DAY = 2_440_588;

  private static final long DAY_NANOS = 86_400_000_000_000L;

  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS");

  private static final DateTimeFormatter NANOS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSSSSS");

  final Consumer<Object> target;

  private ParquetLeaf(Consumer<Object> target) {
    this.target = target;
  }

  /**
   * What makes values of a type.
   *
   * @param text makes text of what the file says is text
   */
  static ParquetLeaf of(
      PrimitiveType type, Consumer<Object> target, Function<Binary, Object> text) {
    return switch (type.getPrimitiveTypeName()) {
      case BOOLEAN -> new OfBoolean(target);
      case INT32 -> new OfInt(target, ofInt(type));
      case INT64 -> new OfLong(target, ofLong(type));
      case FLOAT -> new OfFloat(target);
      case DOUBLE -> new OfDouble(target);
      case INT96 -> new OfBinary(target, ParquetLeaf::int96, Reuse.OF_DICTIONARY);
      case BINARY, FIXED_LEN_BYTE_ARRAY ->
          new OfBinary(target, ofBinary(type, text), Reuse.OF_DICTIONARY);
    };
  }

  private static IntFunction<Object> ofInt(PrimitiveType type) {
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (logical instanceof DecimalLogicalTypeAnnotation decimal) {
      return value -> decimal(BigInteger.valueOf(value), decimal.getScale());
    }
    if (logical instanceof DateLogicalTypeAnnotation) {
      return day -> LocalDate.ofEpochDay(day).toString();
    }
    if (logical instanceof TimeLogicalTypeAnnotation time) {
      return value -> time(value, time.getUnit());
    }
    if (logical instanceof IntLogicalTypeAnnotation width && !width.isSigned()) {
      return value -> whole(Integer.toUnsignedLong(value));
    }
    return value -> value;
  }

  private static LongFunction<Object> ofLong(PrimitiveType type) {
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (logical instanceof DecimalLogicalTypeAnnotation decimal) {
      return value -> decimal(BigInteger.valueOf(value), decimal.getScale());
    }
    if (logical instanceof TimeLogicalTypeAnnotation time) {
      return value -> time(value, time.getUnit());
    }
    if (logical instanceof TimestampLogicalTypeAnnotation timestamp) {
      long units = unitsInSecond(timestamp.getUnit());
      String zone = timestamp.isAdjustedToUTC() ? "Z" : "";
      return value ->
          timestamp(
              Math.floorDiv(value, units),
              Math.floorMod(value, units) * (1_000_000_000 / units),
              zone);
    }
    if (logical instanceof IntLogicalTypeAnnotation width && !width.isSigned()) {
      return value -> value >= 0 ? whole(value) : new BigInteger(Long.toUnsignedString(value));
    }
    return ParquetLeaf::whole;
  }

  private static Function<Binary, Object> ofBinary(
      PrimitiveType type, Function<Binary, Object> text) {
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (logical instanceof StringLogicalTypeAnnotation
        || logical instanceof EnumLogicalTypeAnnotation
        || logical instanceof JsonLogicalTypeAnnotation) {
      return text;
    }
    if (logical instanceof DecimalLogicalTypeAnnotation decimal) {
      return bytes -> decimal(new BigInteger(bytes.getBytes()), decimal.getScale());
    }
    if (logical instanceof UUIDLogicalTypeAnnotation) {
      return bytes -> {
        ByteBuffer buffer = bytes.toByteBuffer();
        return new UUID(buffer.getLong(), buffer.getLong()).toString();
      };
    }
    if (logical instanceof Float16LogicalTypeAnnotation) {
      return bytes -> half(bytes.toByteBuffer().order(ByteOrder.LITTLE_ENDIAN).getShort());
    }
    // Bytes without a meaning are no text, though they might look like it.
    return Binary::getBytes;
  }

  /** As Jackson reads whole numbers. */
  private static Object whole(long value) {
    return (int) value == value ? (Object) (int) value : (Object) value;
  }

  /**
   * As a JSON parser reads what Spark writes: whole numbers stay exact at any length, and others
   * become the nearest double.
   */
  private static Object decimal(BigInteger unscaled, int scale) {
    if (scale > 0) {
      return new BigDecimal(unscaled, scale).doubleValue();
    }
    return unscaled.bitLength() < Long.SIZE ? whole(unscaled.longValueExact()) : (Object) unscaled;
  }

  /** 0.1f as 0.1, as Spark writes it, and not as the double next to it. */
  private static Object single(float value) {
    // Float.toString does not give the same digits on every Java version.
    return Float.isFinite(value)
        ? Double.parseDouble(NumberOutput.toString(value, /* useFastWriter= */ true))
        : (double) value;
  }

  /** IEEE 754 binary16. */
  private static Object half(short bits) {
    int exponent = (bits >> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    double magnitude =
        switch (exponent) {
          case 0 -> fraction * 0x1p-24;
          case 0x1f -> fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
          default -> Math.scalb(1 + fraction * 0x1p-10, exponent - 15);
        };
    return bits < 0 ? -magnitude : magnitude;
  }

  private static long unitsInSecond(TimeUnit unit) {
    return switch (unit) {
      case MILLIS -> 1_000;
      case MICROS -> 1_000_000;
      case NANOS -> 1_000_000_000;
    };
  }

  private static Object time(long value, TimeUnit unit) {
    return LocalTime.ofNanoOfDay(Math.multiplyExact(value, 1_000_000_000 / unitsInSecond(unit)))
        .format(DateTimeFormatter.ISO_LOCAL_TIME);
  }

  /** Six digits of a second, as Spark writes them, and nine where the last three are not zeros. */
  private static Object timestamp(long second, long nanos, String zone) {
    LocalDateTime time = LocalDateTime.ofEpochSecond(second, (int) nanos, ZoneOffset.UTC);
    return time.format(nanos % 1_000 == 0 ? MICROS : NANOS) + zone;
  }

  /** An instant of Impala, Hive and Spark: nanoseconds of a day, then the Julian day's number. */
  private static Object int96(Binary bytes) {
    ByteBuffer buffer = bytes.toByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    long nanos = buffer.getLong();
    long day = buffer.getInt() - JULIAN_EPOCH_DAY + Math.floorDiv(nanos, DAY_NANOS);
    long ofDay = Math.floorMod(nanos, DAY_NANOS);
    return timestamp(day * 86_400 + ofDay / 1_000_000_000, ofDay % 1_000_000_000, "Z");
  }

  private static final class OfBoolean extends ParquetLeaf {
    OfBoolean(Consumer<Object> target) {
      super(target);
    }

    @Override
    public void addBoolean(boolean value) {
      target.accept(value);
    }
  }

  private static final class OfInt extends ParquetLeaf {
    private final IntFunction<Object> value;

    OfInt(Consumer<Object> target, IntFunction<Object> value) {
      super(target);
      this.value = value;
    }

    @Override
    public void addInt(int given) {
      target.accept(value.apply(given));
    }
  }

  private static final class OfLong extends ParquetLeaf {
    private final LongFunction<Object> value;

    OfLong(Consumer<Object> target, LongFunction<Object> value) {
      super(target);
      this.value = value;
    }

    @Override
    public void addLong(long given) {
      target.accept(value.apply(given));
    }
  }

  private static final class OfFloat extends ParquetLeaf {
    OfFloat(Consumer<Object> target) {
      super(target);
    }

    @Override
    public void addFloat(float value) {
      target.accept(single(value));
    }
  }

  private static final class OfDouble extends ParquetLeaf {
    OfDouble(Consumer<Object> target) {
      super(target);
    }

    @Override
    public void addDouble(double value) {
      target.accept(value);
    }
  }

  /** Whether a value may stand in several rows. */
  enum Reuse {
    /** One object for each entry of a dictionary. */
    OF_DICTIONARY,
    /** What is made can be changed, so that each row has its own. */
    NEVER
  }

  /** Bytes, of which a dictionary may hold each once. */
  static final class OfBinary extends ParquetLeaf {
    private final Function<Binary, Object> value;
    private final Reuse reuse;
    private Dictionary dictionary;
    private Object[] made = {};

    OfBinary(Consumer<Object> target, Function<Binary, Object> value, Reuse reuse) {
      super(target);
      this.value = value;
      this.reuse = reuse;
    }

    @Override
    public void addBinary(Binary bytes) {
      target.accept(value.apply(bytes));
    }

    @Override
    public boolean hasDictionarySupport() {
      return reuse == Reuse.OF_DICTIONARY;
    }

    @Override
    public void setDictionary(Dictionary dictionary) {
      this.dictionary = dictionary;
      this.made = new Object[dictionary.getMaxId() + 1];
    }

    @Override
    public void addValueFromDictionary(int id) {
      if (made[id] == null) {
        Object one = value.apply(dictionary.decodeToBinary(id));
        // Text that may have been no text is looked at again in each row that has it.
        if (one instanceof String text && text.indexOf('\ufffd') >= 0) {
          target.accept(one);
          return;
        }
        made[id] = one;
      }
      target.accept(made[id]);
    }
  }
}
