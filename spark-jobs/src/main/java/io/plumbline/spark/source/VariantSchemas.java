package io.plumbline.spark.source;

import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.spark.sql.types.DataType;

/** What schema_of_variant_agg says, as a type. */
final class VariantSchemas {
  /** A type that is not the name of a field: those stand in backticks or before a colon. */
  private static final Pattern OBJECT = Pattern.compile("\\bOBJECT<(?=([^`]*`[^`]*`)*[^`]*$)");

  private VariantSchemas() {}

  /** Empty where values of several types stand in one place. */
  static Optional<DataType> type(String schema) {
    String ddl = OBJECT.matcher(schema).replaceAll("STRUCT<");
    DataType type = DataType.fromDDL(ddl);
    return ArrivingTypes.holdVariant(type) ? Optional.empty() : Optional.of(type);
  }
}
