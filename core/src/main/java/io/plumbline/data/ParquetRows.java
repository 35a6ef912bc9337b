package io.plumbline.data;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.schema.GroupType;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.ListLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.MapLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType;
import org.apache.parquet.schema.Type;

/** A user's Parquet file as rows of plain values, as JSON would have them. */
final class ParquetRows implements AutoCloseable {
  private final String path;
  private final ParquetReader<Group> reader;
  private final List<String> otherColumns = new ArrayList<>();
  private long row;

  /**
   * @param columns whether a column is read, by its name
   */
  ParquetRows(Storage storage, FileSlice slice, Predicate<String> columns) {
    this.path = slice.path();
    this.row = slice.before();
    InputFile file = StorageParquet.input(storage, path);
    try {
      List<Type> read = new ArrayList<>();
      MessageType schema;
      try (ParquetFileReader footer = ParquetFileReader.open(file)) {
        schema = footer.getFileMetaData().getSchema();
      }
      for (Type column : schema.getFields()) {
        if (columns.test(column.getName())) {
          read.add(column);
        } else {
          otherColumns.add(column.getName());
        }
      }
      ParquetReader.Builder<Group> builder = new GroupReaderBuilder(file);
      if (!read.isEmpty()) {
        builder.set(
            ReadSupport.PARQUET_READ_SCHEMA, new MessageType(schema.getName(), read).toString());
      }
      if (slice.end() != Long.MAX_VALUE) {
        builder.withFileRange(slice.start(), slice.end());
      }
      this.reader = builder.build();
    } catch (IOException | RuntimeException e) {
      throw failed(path, e);
    }
  }

  String path() {
    return path;
  }

  static List<FileSlice> slices(Storage storage, String path, long bytes) {
    try (ParquetFileReader footer = ParquetFileReader.open(StorageParquet.input(storage, path))) {
      List<FileSlice> slices = new ArrayList<>();
      long start = 0;
      long before = 0;
      long rows = 0;
      List<BlockMetaData> groups = footer.getRowGroups();
      for (int i = 0; i < groups.size(); i++) {
        BlockMetaData group = groups.get(i);
        rows += group.getRowCount();
        boolean last = i + 1 == groups.size();
        long next = last ? Long.MAX_VALUE : groups.get(i + 1).getStartingPos();
        if (last || next - start >= bytes) {
          slices.add(new FileSlice(path, FileSlice.Content.PARQUET, start, next, before));
          start = next;
          before = rows;
        }
      }
      return slices;
    } catch (IOException | RuntimeException e) {
      throw failed(path, e);
    }
  }

  Optional<RawRow> next() throws IOException {
    Group group = reader.read();
    if (group == null) {
      return Optional.empty();
    }
    row++;
    Map<String, Object> values = struct(group);
    // Their names tell what there was instead of what is needed.
    otherColumns.forEach(column -> values.putIfAbsent(column, null));
    return Optional.of(RawRow.read(row, values, () -> JsonRows.write(values)));
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (IOException e) {
      throw failed(path, e);
    }
  }

  private static PlumblineException failed(String path, Exception cause) {
    if (cause instanceof PlumblineException known) {
      return known;
    }
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        "The Parquet file "
            + path
            + " cannot be read ("
            + cause.getMessage()
            + "); write it again or leave it out",
        cause);
  }

  private static Map<String, Object> struct(Group group) {
    Map<String, Object> values = new LinkedHashMap<>();
    GroupType type = group.getType();
    for (int field = 0; field < type.getFieldCount(); field++) {
      Type fieldType = type.getType(field);
      int count = group.getFieldRepetitionCount(field);
      if (fieldType.isRepetition(Type.Repetition.REPEATED)) {
        // A list in the style of protocol buffers: the field itself repeats.
        List<Object> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          list.add(value(group, field, i));
        }
        values.put(fieldType.getName(), list);
      } else {
        values.put(fieldType.getName(), count == 0 ? null : value(group, field, 0));
      }
    }
    return values;
  }

  private static Object value(Group group, int field, int index) {
    Type type = group.getType().getType(field);
    if (type.isPrimitive()) {
      return primitive(group, field, index, type.asPrimitiveType());
    }
    Group inner = group.getGroup(field, index);
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    if (logical instanceof ListLogicalTypeAnnotation) {
      return list(inner, type.getName());
    }
    if (logical instanceof MapLogicalTypeAnnotation) {
      return map(inner);
    }
    return struct(inner);
  }

  private static List<Object> list(Group group, String listName) {
    List<Object> list = new ArrayList<>();
    if (group.getType().getFieldCount() != 1) {
      throw new IllegalArgumentException("the list " + listName + " has more than one field");
    }
    Type repeated = group.getType().getType(0);
    for (int i = 0; i < group.getFieldRepetitionCount(0); i++) {
      // The rules for lists of older writers, as Parquet's LogicalTypes.md gives them.
      boolean element =
          repeated.isPrimitive()
              || repeated.asGroupType().getFieldCount() != 1
              || repeated.getName().equals("array")
              || repeated.getName().equals(listName + "_tuple");
      if (element) {
        list.add(value(group, 0, i));
      } else {
        Group wrapper = group.getGroup(0, i);
        list.add(wrapper.getFieldRepetitionCount(0) == 0 ? null : value(wrapper, 0, 0));
      }
    }
    return list;
  }

  private static Map<String, Object> map(Group group) {
    Map<String, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < group.getFieldRepetitionCount(0); i++) {
      Group entry = group.getGroup(0, i);
      map.put(
          String.valueOf(value(entry, 0, 0)),
          entry.getType().getFieldCount() < 2 || entry.getFieldRepetitionCount(1) == 0
              ? null
              : value(entry, 1, 0));
    }
    return map;
  }

  private static Object primitive(Group group, int field, int index, PrimitiveType type) {
    if (type.getLogicalTypeAnnotation() instanceof DecimalLogicalTypeAnnotation decimal) {
      return number(new BigDecimal(unscaled(group, field, index, type), decimal.getScale()));
    }
    return switch (type.getPrimitiveTypeName()) {
      case BOOLEAN -> group.getBoolean(field, index);
      case INT32 -> group.getInteger(field, index);
      case INT64 -> group.getLong(field, index);
      case FLOAT -> (double) group.getFloat(field, index);
      case DOUBLE -> group.getDouble(field, index);
      case BINARY -> group.getBinary(field, index).toStringUsingUTF8();
      case INT96, FIXED_LEN_BYTE_ARRAY -> group.getValueToString(field, index);
    };
  }

  private static BigInteger unscaled(Group group, int field, int index, PrimitiveType type) {
    return switch (type.getPrimitiveTypeName()) {
      case INT32 -> BigInteger.valueOf(group.getInteger(field, index));
      case INT64 -> BigInteger.valueOf(group.getLong(field, index));
      default -> new BigInteger(group.getBinary(field, index).getBytes());
    };
  }

  /** As JSON would have brought it: whole where it has no fraction and fits, else a double. */
  private static Number number(BigDecimal decimal) {
    try {
      return decimal.longValueExact();
    } catch (ArithmeticException e) {
      return decimal.doubleValue();
    }
  }

  private static final class GroupReaderBuilder extends ParquetReader.Builder<Group> {
    private GroupReaderBuilder(InputFile file) {
      super(file);
    }

    @Override
    protected ReadSupport<Group> getReadSupport() {
      return new GroupReadSupport();
    }
  }
}
