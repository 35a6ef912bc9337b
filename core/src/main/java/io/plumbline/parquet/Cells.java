package io.plumbline.parquet;

import java.util.Optional;
import org.apache.parquet.schema.MessageType;

/** The values of one row, by column. The next row of a reader takes the place of this one. */
public final class Cells {
  private final MessageType schema;
  private final Object[] cells;

  Cells(MessageType schema) {
    this.schema = schema;
    this.cells = new Object[schema.getFieldCount()];
  }

  void clear() {
    java.util.Arrays.fill(cells, null);
  }

  void put(String column, Object value) {
    cells[schema.getFieldIndex(column)] = value;
  }

  /** The value of a column; empty where it is null, or where the file has no such column. */
  @SuppressWarnings("unchecked") // Written by the column's kind.
  public <V> Optional<V> find(String column, Kind<V> kind) {
    return Optional.ofNullable((V) cells[schema.getFieldIndex(column)]);
  }

  /**
   * The value of a column that is required.
   *
   * @throws IllegalStateException where the reader leaves the column out
   */
  public <V> V value(String column, Kind<V> kind) {
    return find(column, kind)
        .orElseThrow(() -> new IllegalStateException("no value in the column " + column));
  }
}
