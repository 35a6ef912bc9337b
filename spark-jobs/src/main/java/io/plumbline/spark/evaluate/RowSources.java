package io.plumbline.spark.evaluate;

import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.data.ColumnNames;
import io.plumbline.spark.inference.InputRows;
import io.plumbline.spark.inference.SparkFailures;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * Rows as a user names them.
 *
 * @param data files, tables and queries
 * @param columns under which names their columns are read
 * @param missing what a column means that is named and not there
 * @param templates how conversations in them are rendered
 */
public record RowSources(
    List<String> data, ColumnNames columns, Missing missing, RunTemplates templates) {
  /** What becomes of a call that names a column which no row has. */
  public enum Missing {
    REFUSED,
    /** The name is about other rows of the same call. */
    PASSED_OVER
  }

  /** Rows that are looked at for the columns that are named. */
  private static final int LOOKED_AT = 100;

  public RowSources {
    data = List.copyOf(data);
  }

  /** Rows whose columns keep their names. */
  public static RowSources of(List<String> data) {
    return of(data, ColumnNames.OWN);
  }

  /** Rows of which every column that is named must be there. */
  public static RowSources of(List<String> data, ColumnNames columns) {
    return new RowSources(data, columns, Missing.REFUSED, RunTemplates.NONE);
  }

  /** These sources with conversations rendered in another way. */
  public RowSources with(RunTemplates other) {
    return new RowSources(data, columns, missing, other);
  }

  public boolean isEmpty() {
    return data.isEmpty();
  }

  /**
   * The rows, in order. Fails as {@link InputRows#read} does, and with BAD_DATA where a column that
   * is named is not there.
   */
  public JavaRDD<Map<String, Object>> read(SparkSession spark, Storage storage) {
    return read(spark, storage, Purpose.TRAINING, note -> {});
  }

  /**
   * The rows, in order; of a directory with several splits those for the purpose.
   *
   * @param notes told what a user would not expect of files, before they are read
   */
  public JavaRDD<Map<String, Object>> read(
      SparkSession spark, Storage storage, Purpose purpose, Consumer<String> notes) {
    JavaRDD<Map<String, Object>> rows = InputRows.read(spark, storage, data, purpose, notes);
    if (columns.isEmpty()) {
      return rows;
    }
    if (missing == Missing.REFUSED) {
      columns.require(SparkFailures.unwrapped(() -> rows.take(LOOKED_AT)), String.join(", ", data));
    }
    ColumnNames names = columns;
    return rows.map(names::rename);
  }

  /** The columns' types, where all sources say the same; empty where columns have other names. */
  public Optional<StructType> schema(SparkSession spark, Storage storage) {
    return columns.isEmpty() ? InputRows.schema(spark, storage, data) : Optional.empty();
  }
}
