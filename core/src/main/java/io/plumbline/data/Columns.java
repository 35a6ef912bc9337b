package io.plumbline.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The columns of a row as JSON, for the reward functions that score what a model writes to its
 * prompt. The text is canonical: the same values give the same text, whether they came from JSON or
 * from Parquet.
 *
 * <ul>
 *   <li>Keys are sorted, at every depth, by their UTF-16 code units; there is no white space.
 *   <li>A column that is null is left out, as if there were none, and so is a field of an object
 *       within a column: Parquet has a null for each field that only other rows have. A null in a
 *       list stays.
 *   <li>Bytes are written in Base64, as Spark writes them.
 *   <li>A number without a fraction is written without one: {@code 1.0} as {@code 1}, as a table
 *       may have made a double of it.
 *   <li>NaN and the infinities are written as Python writes them: {@code NaN}, {@code Infinity},
 *       {@code -Infinity}.
 * </ul>
 */
public final class Columns {
  /** Below this every whole double is one whole number: 2^53. */
  private static final double WHOLE_LIMIT = 0x1p53;

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          // Double.toString does not give the same digits on every Java version.
          .enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER)
          .build();

  private static final ObjectReader OBJECT = MAPPER.readerForMapOf(Object.class);

  private Columns() {}

  /**
   * Values by column, in the order of their names: maps, lists, strings, numbers, booleans, and
   * null within a column. Empty for an empty text, which rows without columns have.
   *
   * @param json {@link TokenizedRow#columns}
   */
  public static Map<String, Object> parse(String json) {
    if (json.isEmpty()) {
      return Map.of();
    }
    try {
      return OBJECT.readValue(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("columns that are no JSON object: " + e.getMessage(), e);
    }
  }

  /**
   * The columns as this class writes them.
   *
   * @param row values by column: maps, lists, strings, numbers, booleans and null
   */
  public static String write(Map<String, Object> row) {
    TreeMap<String, Object> present = new TreeMap<>();
    row.forEach(
        (column, value) -> {
          if (value != null) {
            present.put(column, canonical(value));
          }
        });
    try {
      return MAPPER.writeValueAsString(present);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("columns are plain values", e);
    }
  }

  private static Object canonical(Object value) {
    if (value instanceof Map<?, ?> map) {
      TreeMap<String, Object> sorted = new TreeMap<>();
      map.forEach(
          (key, field) -> {
            if (field != null) {
              sorted.put(String.valueOf(key), canonical(field));
            }
          });
      return sorted;
    }
    if (value instanceof List<?> list) {
      List<Object> elements = new ArrayList<>(list.size());
      list.forEach(element -> elements.add(canonical(element)));
      return elements;
    }
    boolean fractional = value instanceof Double || value instanceof Float;
    if (fractional) {
      double number = ((Number) value).doubleValue();
      boolean whole = number == Math.rint(number) && Math.abs(number) < WHOLE_LIMIT;
      return whole ? (Object) (long) number : (Object) number;
    }
    return value;
  }
}
