package io.plumbline.spark.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DoubleType;
import org.apache.spark.sql.types.FloatType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Reads a row that Spark's {@code to_json} wrote as the values that the same row has in a snapshot
 * or another Parquet file: NaN and the infinities, which are written as text, are numbers; binary
 * values, which are written in Base64, are bytes and no text; and a field of a struct that is null
 * is left out.
 */
final class ArrivingValues implements Function<String, Map<String, Object>> {
  private static final long serialVersionUID = 1L;

  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
      new TypeReference<>() {};

  private final StructType schema;

  ArrivingValues(StructType schema) {
    this.schema = schema;
  }

  @Override
  public Map<String, Object> call(String json) {
    Map<String, Object> row;
    try {
      row = Json.MAPPER.readValue(json, OBJECT);
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.INTERNAL, "A row was no JSON object: " + e.getOriginalMessage(), e);
    }
    for (StructField field : schema.fields()) {
      row.computeIfPresent(field.name(), (name, value) -> value(value, field.dataType()));
    }
    return row;
  }

  private static Object value(Object value, DataType type) {
    if (type instanceof StructType struct && value instanceof Map<?, ?> fields) {
      Map<String, Object> present = new LinkedHashMap<>();
      for (StructField field : struct.fields()) {
        Object its = fields.get(field.name());
        if (its != null) {
          present.put(field.name(), value(its, field.dataType()));
        }
      }
      return present;
    }
    if (type instanceof ArrayType array && value instanceof List<?> list) {
      List<Object> elements = new ArrayList<>(list.size());
      list.forEach(element -> elements.add(value(element, array.elementType())));
      return elements;
    }
    if (type instanceof MapType map && value instanceof Map<?, ?> entries) {
      Map<String, Object> values = new LinkedHashMap<>();
      entries.forEach((key, its) -> values.put((String) key, value(its, map.valueType())));
      return values;
    }
    if (value instanceof String text) {
      if (type instanceof BinaryType) {
        return Base64.getDecoder().decode(text);
      }
      if (type instanceof DoubleType || type instanceof FloatType) {
        return Double.valueOf(text);
      }
    }
    return value;
  }
}
