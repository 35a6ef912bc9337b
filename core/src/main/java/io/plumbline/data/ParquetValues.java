package io.plumbline.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.Converter;
import org.apache.parquet.io.api.GroupConverter;
import org.apache.parquet.io.api.RecordMaterializer;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.JsonLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.OriginalType;
import org.apache.parquet.schema.Type;

/**
 * Builds rows of plain values from a Parquet file: maps, lists, texts, numbers, truth values, null,
 * and byte arrays for what has no text ({@link ParquetLeaf} has the primitive types).
 *
 * <ul>
 *   <li>A column of the logical type JSON gives what its text says, as {@code datasets} gives it to
 *       TRL, unless the file's features say that it is not to be decoded.
 *   <li>A field of a struct that is null is left out. In Parquet all structs of a column have the
 *       same fields, so that a message without tool calls has a null for them, and a tool whose
 *       schema has no {@code enum} a null for that; JSON lines of the same rows have neither. It is
 *       what TRL's {@code remove_none_values} is for. Columns, elements of lists and values of maps
 *       stay where they are null.
 *   <li>Lists are read by the rules of Parquet's LogicalTypes.md for older writers too.
 * </ul>
 */
final class ParquetValues extends RecordMaterializer<Map<String, Object>> {
  private final String path;
  private final Struct root;
  private Map<String, Object> row = Map.of();
  private Optional<RefusedRowException> refusal = Optional.empty();

  /**
   * @param schema the columns that are read
   * @param metadata the file's own key-value pairs
   */
  ParquetValues(String path, MessageType schema, Map<String, String> metadata) {
    this.path = path;
    this.root = new Struct(schema, "", features(metadata), value -> row = asRow(value));
  }

  @SuppressWarnings("unchecked") // Struct makes maps of names to values
  private static Map<String, Object> asRow(Object value) {
    return (Map<String, Object>) value;
  }

  /** The features that {@code datasets} writes into its files; missing where there are none. */
  private static JsonNode features(Map<String, String> metadata) {
    String text = metadata.get("huggingface");
    if (text == null) {
      return MissingNode.getInstance();
    }
    try {
      return JsonRows.tree(text).path("info").path("features");
    } catch (JsonProcessingException e) {
      // Not written by datasets: then it says nothing about the columns.
      return MissingNode.getInstance();
    }
  }

  /** To be called before each row. */
  void begin() {
    refusal = Optional.empty();
  }

  /** Why the last row cannot be read as it stands, if so. */
  Optional<RefusedRowException> refusal() {
    return refusal;
  }

  @Override
  public Map<String, Object> getCurrentRecord() {
    return row;
  }

  @Override
  public GroupConverter getRootConverter() {
    return root;
  }

  private void refuse(RefusalReason reason, String detail) {
    if (refusal.isEmpty()) {
      refusal = Optional.of(new RefusedRowException(reason, detail));
    }
  }

  /** What makes values of a type, whether it repeats or not. */
  private Converter converter(Type type, String name, JsonNode feature, Consumer<Object> target) {
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (type.isPrimitive()) {
      boolean decoded =
          logical instanceof JsonLogicalTypeAnnotation
              && !(feature.path("_type").asText().equals("Json")
                  && !feature.path("decode").asBoolean(/* defaultValue= */ true));
      return decoded
          ? new ParquetLeaf.OfBinary(target, text -> json(text, name), ParquetLeaf.Reuse.NEVER)
          : ParquetLeaf.of(type.asPrimitiveType(), target, bytes -> text(bytes, name));
    }
    GroupType group = type.asGroupType();
    if (logical instanceof ListLogicalTypeAnnotation) {
      return new ListOf(group, name, feature, target);
    }
    if (logical instanceof MapLogicalTypeAnnotation
        || (logical != null && logical.toOriginalType() == OriginalType.MAP_KEY_VALUE)) {
      return new MapOf(group, name, feature, target);
    }
    // By its name: the oldest supported Parquet has no class for it.
    if (logical != null && logical.toString().startsWith("VARIANT")) {
      throw ParquetFailures.unreadable(
          path,
          name,
          "of the type variant, which only Spark reads",
          "give the rows by --data 'sql:SELECT ... FROM parquet.`PATH`'");
    }
    return new Struct(group, name + ".", feature, target);
  }

  private String text(Binary bytes, String name) {
    String text = bytes.toStringUsingUTF8();
    // Bytes that are no text were read as this character, which may also have been written.
    if (text.indexOf('\ufffd') >= 0 && !JsonRows.isUtf8(bytes.toByteBuffer())) {
      refuse(RefusalReason.NOT_UTF8, "the column " + name + " holds bytes that are not UTF-8");
    }
    return text;
  }

  private Object json(Binary bytes, String name) {
    String text = text(bytes, name);
    try {
      return JsonRows.value(text);
    } catch (JsonProcessingException e) {
      refuse(
          RefusalReason.BROKEN_JSON,
          "the column %s is of the type JSON and holds none: %s"
              .formatted(name, e.getOriginalMessage()));
      return text;
    }
  }

  /** A row, or a group without another meaning. */
  private final class Struct extends GroupConverter {
    private final Converter[] fields;
    private final List<String> columns = new ArrayList<>();
    private final List<String> repeated = new ArrayList<>();
    private final Consumer<Object> target;
    private Map<String, Object> current = Map.of();

    /**
     * @param before what stands before the names of its fields where they are told; empty for rows
     */
    Struct(GroupType type, String before, JsonNode feature, Consumer<Object> target) {
      this.target = target;
      this.fields = new Converter[type.getFieldCount()];
      for (int i = 0; i < fields.length; i++) {
        Type field = type.getType(i);
        String name = field.getName();
        JsonNode its = feature.path(name);
        if (field.isRepetition(Type.Repetition.REPEATED)) {
          // A list in the style of protocol buffers: the field itself repeats.
          repeated.add(name);
          fields[i] =
              converter(
                  field, before + name, its, value -> ((ListValue) current.get(name)).add(value));
        } else {
          if (before.isEmpty()) {
            columns.add(name);
          }
          fields[i] = converter(field, before + name, its, value -> current.put(name, value));
        }
      }
    }

    @Override
    public Converter getConverter(int field) {
      return fields[field];
    }

    @Override
    public void start() {
      current = new LinkedHashMap<>();
      columns.forEach(name -> current.put(name, null));
      repeated.forEach(name -> current.put(name, new ListValue()));
    }

    @Override
    public void end() {
      target.accept(current);
    }
  }

  /** A list under construction. */
  private static final class ListValue extends ArrayList<Object> {
    private static final long serialVersionUID = 1L;
  }

  private final class ListOf extends GroupConverter {
    private final Converter repeated;
    private final Consumer<Object> target;
    private ListValue current = new ListValue();

    ListOf(GroupType type, String name, JsonNode feature, Consumer<Object> target) {
      this.target = target;
      if (type.getFieldCount() != 1 || !type.getType(0).isRepetition(Type.Repetition.REPEATED)) {
        throw ParquetFailures.unreadable(
            path, name, "a list without one field that repeats", "write the file again");
      }
      Type field = type.getType(0);
      JsonNode its = feature.isArray() ? feature.path(0) : feature.path("feature");
      this.repeated =
          isElement(field, type.getName())
              ? converter(field, name, its, value -> current.add(value))
              : new Wrapper(field.asGroupType(), name, its);
    }

    /** The rules for lists of older writers, as Parquet's LogicalTypes.md gives them. */
    private static boolean isElement(Type repeated, String list) {
      return repeated.isPrimitive()
          || repeated.asGroupType().getFieldCount() != 1
          || repeated.asGroupType().getType(0).isRepetition(Type.Repetition.REPEATED)
          || repeated.getName().equals("array")
          || repeated.getName().equals(list + "_tuple");
    }

    @Override
    public Converter getConverter(int field) {
      return repeated;
    }

    @Override
    public void start() {
      current = new ListValue();
    }

    @Override
    public void end() {
      target.accept(current);
    }

    /** The group around an element that may be null. */
    private final class Wrapper extends GroupConverter {
      private final Converter element;
      private Object value;

      Wrapper(GroupType type, String name, JsonNode feature) {
        this.element = converter(type.getType(0), name, feature, v -> value = v);
      }

      @Override
      public Converter getConverter(int field) {
        return element;
      }

      @Override
      public void start() {
        value = null;
      }

      @Override
      public void end() {
        current.add(value);
      }
    }
  }

  private final class MapOf extends GroupConverter {
    private final Consumer<Object> target;
    private final GroupConverter entry;
    private Map<String, Object> current = Map.of();

    MapOf(GroupType type, String name, JsonNode feature, Consumer<Object> target) {
      this.target = target;
      boolean hasEntries =
          type.getFieldCount() == 1
              && !type.getType(0).isPrimitive()
              && type.getType(0).isRepetition(Type.Repetition.REPEATED)
              && type.getType(0).asGroupType().getFieldCount() <= 2;
      if (!hasEntries) {
        throw ParquetFailures.unreadable(
            path, name, "a map without keys and values", "write the file again");
      }
      this.entry = new Entry(type.getType(0).asGroupType(), name, feature);
    }

    @Override
    public Converter getConverter(int field) {
      return entry;
    }

    @Override
    public void start() {
      current = new LinkedHashMap<>();
    }

    @Override
    public void end() {
      target.accept(current);
    }

    private final class Entry extends GroupConverter {
      private final Converter[] parts;
      private Object key;
      private Object value;

      Entry(GroupType type, String name, JsonNode feature) {
        this.parts = new Converter[type.getFieldCount()];
        for (int i = 0; i < parts.length; i++) {
          Consumer<Object> into = i == 0 ? v -> key = v : v -> value = v;
          JsonNode its = feature.path(i == 0 ? "key_type" : "value_type");
          parts[i] = converter(type.getType(i), name, its, into);
        }
      }

      @Override
      public Converter getConverter(int field) {
        return parts[field];
      }

      @Override
      public void start() {
        key = null;
        value = null;
      }

      @Override
      public void end() {
        // Keys of JSON objects are text.
        current.put(key instanceof String text ? text : JsonRows.key(key), value);
      }
    }
  }
}
