package io.plumbline.spark.source;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.BooleanType;
import org.apache.spark.sql.types.ByteType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DateType;
import org.apache.spark.sql.types.DayTimeIntervalType;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.IntegerType;
import org.apache.spark.sql.types.LongType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.Metadata;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.ShortType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.sql.types.TimestampNTZType;
import org.apache.spark.sql.types.TimestampType;
import org.apache.spark.sql.types.VariantType;
import org.apache.spark.sql.types.YearMonthIntervalType;

/**
 * The types that values have in a snapshot: those whose Parquet form is read back as the value that
 * JSON would have. Decimals with a fraction become the nearest doubles, as a JSON parser reads
 * them; intervals and times of day become text, collated text plain text, and columns of nothing
 * but nulls text.
 */
final class ArrivingTypes {
  /** The digits that a long always holds. */
  private static final int LONG_DIGITS = 18;

  private ArrivingTypes() {}

  /** The type in the snapshot, empty where Parquet or JSON has none for it. */
  static Optional<DataType> of(DataType type) {
    if (type instanceof StructType struct) {
      return struct(struct);
    }
    if (type instanceof ArrayType array) {
      return of(array.elementType())
          .map(element -> DataTypes.createArrayType(element, /* containsNull= */ true));
    }
    if (type instanceof MapType map) {
      Optional<DataType> key = of(map.keyType());
      Optional<DataType> value = of(map.valueType());
      return key.isPresent() && value.isPresent()
          ? Optional.of(
              DataTypes.createMapType(key.get(), value.get(), /* valueContainsNull= */ true))
          : Optional.empty();
    }
    if (type instanceof DecimalType decimal) {
      if (decimal.scale() > 0) {
        return Optional.of(DataTypes.DoubleType);
      }
      // A whole number stays exact at any length, as it does in JSON.
      return Optional.of(decimal.precision() <= LONG_DIGITS ? DataTypes.LongType : decimal);
    }
    if (type instanceof StringType || type instanceof NullType || isDuration(type)) {
      return Optional.of(DataTypes.StringType);
    }
    return asItIs(type) ? Optional.of(type) : Optional.empty();
  }

  private static Optional<DataType> struct(StructType struct) {
    List<StructField> fields = new ArrayList<>();
    for (StructField field : struct.fields()) {
      Optional<DataType> type = of(field.dataType());
      if (type.isEmpty()) {
        return Optional.empty();
      }
      fields.add(new StructField(field.name(), type.get(), /* nullable= */ true, Metadata.empty()));
    }
    // Parquet has no group without a field.
    return fields.isEmpty() ? Optional.empty() : Optional.of(DataTypes.createStructType(fields));
  }

  private static boolean asItIs(DataType type) {
    return type instanceof BooleanType
        || type instanceof ByteType
        || type instanceof ShortType
        || type instanceof IntegerType
        || type instanceof LongType
        || type instanceof FloatType
        || type instanceof DoubleType
        || type instanceof BinaryType
        || type instanceof DateType
        || type instanceof TimestampType
        || type instanceof TimestampNTZType;
  }

  /** Parquet holds these as plain numbers; JSON has them as text. */
  private static boolean isDuration(DataType type) {
    return type instanceof YearMonthIntervalType
        || type instanceof DayTimeIntervalType
        // By its name: the oldest supported Spark has no class for it.
        || type.typeName().startsWith("time(");
  }

  /** Whether the type is a variant or holds one. */
  static boolean holdVariant(DataType type) {
    if (type instanceof StructType struct) {
      for (StructField field : struct.fields()) {
        if (holdVariant(field.dataType())) {
          return true;
        }
      }
      return false;
    }
    if (type instanceof ArrayType array) {
      return holdVariant(array.elementType());
    }
    if (type instanceof MapType map) {
      return holdVariant(map.valueType());
    }
    return type instanceof VariantType;
  }
}
