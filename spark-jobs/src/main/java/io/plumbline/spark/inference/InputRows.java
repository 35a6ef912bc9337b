package io.plumbline.spark.inference;

import io.plumbline.data.DataFileReader;
import io.plumbline.data.FileSlice;
import io.plumbline.data.RawRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.spark.Partitioner;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;
import scala.Tuple2;

/** Rows of data files as values by column, for scoring and generating. */
public final class InputRows {
  /** Partitions a slot where there are few rows. */
  private static final int PARTITIONS_PER_SLOT = 4;

  /** Rows of a partition at most: what is lost with a task. */
  private static final int ROWS_PER_PARTITION = 4096;

  private static final long SPLIT_BYTES = 32L << 20;

  private InputRows() {}

  /**
   * The rows of what {@code --data} names, in their order: files, directories and globs of JSON
   * lines, JSON arrays and Parquet, and Spark's sources. A row that cannot be read fails with
   * BAD_DATA naming file and line.
   */
  public static JavaRDD<Map<String, Object>> read(
      SparkSession spark, Storage storage, List<String> data) {
    return read(spark, storage, data, DataFiles.Purpose.TRAINING, note -> {});
  }

  /**
   * Reads the rows of sources that may have splits.
   *
   * @param purpose which split of a directory is read where it has several
   * @param notes told what a user would not expect of files, before they are read
   */
  public static JavaRDD<Map<String, Object>> read(
      SparkSession spark,
      Storage storage,
      List<String> data,
      DataFiles.Purpose purpose,
      Consumer<String> notes) {
    return read(spark, storage, data, purpose, SPLIT_BYTES, notes);
  }

  /**
   * @param splitBytes of a file that a task reads, about
   */
  static JavaRDD<Map<String, Object>> read(
      SparkSession spark,
      Storage storage,
      List<String> data,
      DataFiles.Purpose purpose,
      long splitBytes,
      Consumer<String> notes) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    List<JavaRDD<Map<String, Object>>> parts = new ArrayList<>();
    for (String given : data) {
      if (SparkSources.kind(storage, given) == SparkSources.Kind.FILES) {
        List<FileSlice> found = files(storage, given, purpose, splitBytes, notes);
        parts.add(
            context.parallelize(found, found.size()).flatMap(file -> new FileRows(storage, file)));
      } else {
        parts.add(SparkSources.rows(spark, storage, given, purpose, notes));
      }
    }
    return parts.stream().reduce(JavaRDD::union).orElseGet(context::emptyRDD);
  }

  private static List<FileSlice> files(
      Storage storage,
      String path,
      DataFiles.Purpose purpose,
      long splitBytes,
      Consumer<String> notes) {
    DataFiles.Found found = DataFiles.find(storage, path, purpose);
    found.notes().forEach(notes);
    DataFiles.requireReadable(storage, found.files());
    return found.slices(storage, splitBytes);
  }

  /** The columns' types of training rows, where all that is named has the same and says which. */
  public static Optional<StructType> schema(
      SparkSession spark, Storage storage, List<String> data) {
    Set<StructType> schemas = new HashSet<>();
    for (String given : data) {
      if (SparkSources.kind(storage, given) == SparkSources.Kind.FILES) {
        return Optional.empty();
      }
      schemas.add(SparkSources.schema(spark, storage, given, DataFiles.Purpose.TRAINING));
    }
    return schemas.size() == 1 ? schemas.stream().findFirst() : Optional.empty();
  }

  /** The rows by their place in the input, in order, over all slots of the cluster. */
  static JavaPairRDD<Long, Map<String, Object>> spread(
      JavaRDD<Map<String, Object>> rows, long count) {
    int slots = rows.context().defaultParallelism();
    long wanted = Math.max((long) slots * PARTITIONS_PER_SLOT, count / ROWS_PER_PARTITION);
    int partitions = (int) Math.max(1, Math.min(count, Math.min(wanted, Integer.MAX_VALUE)));
    return parted(rows.zipWithIndex(), new ByPlace(count, 1, partitions));
  }

  /**
   * The rows by their place in the input, in order. Each partition holds whole slices of
   * neighbouring rows. How many there are depends on the input alone, so that what is made of a
   * slice does not depend on the cluster, which may grow meanwhile.
   *
   * @param numbered rows with their places
   * @param count of the rows
   * @param most partitions
   */
  public static JavaPairRDD<Long, Map<String, Object>> sliced(
      JavaPairRDD<Map<String, Object>, Long> numbered, long count, int rowsPerSlice, int most) {
    long slices = (count + rowsPerSlice - 1) / rowsPerSlice;
    int partitions = (int) Math.max(1, Math.min(slices, most));
    return parted(numbered, new ByPlace(slices, rowsPerSlice, partitions));
  }

  private static JavaPairRDD<Long, Map<String, Object>> parted(
      JavaPairRDD<Map<String, Object>, Long> numbered, ByPlace partitioner) {
    return numbered
        .mapToPair(row -> new Tuple2<>(row._2(), row._1()))
        .repartitionAndSortWithinPartitions(partitioner, Comparator.<Long>naturalOrder());
  }

  /** Runs of neighbouring slices. */
  private static final class ByPlace extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final long slices;
    private final int rowsPerSlice;
    private final int partitions;

    ByPlace(long slices, int rowsPerSlice, int partitions) {
      this.slices = slices;
      this.rowsPerSlice = rowsPerSlice;
      this.partitions = partitions;
    }

    @Override
    public int numPartitions() {
      return partitions;
    }

    @Override
    public int getPartition(Object place) {
      return (int) ((Long) place / rowsPerSlice * partitions / Math.max(1, slices));
    }
  }

  private static final class FileRows implements Iterator<Map<String, Object>> {
    private final Storage storage;
    private final FileSlice file;
    private final DataFileReader reader;
    private Optional<RawRow> ahead;

    FileRows(Storage storage, FileSlice file) {
      this.storage = storage;
      this.file = file;
      this.reader = DataFileReader.open(storage, file);
      TaskContext context = TaskContext.get();
      if (context != null) {
        TaskCompletionListener close = ended -> reader.close();
        context.addTaskCompletionListener(close);
      }
      this.ahead = reader.next();
    }

    @Override
    public boolean hasNext() {
      return ahead.isPresent();
    }

    @Override
    public Map<String, Object> next() {
      RawRow row = ahead.orElseThrow(NoSuchElementException::new);
      ahead = reader.next();
      return row.values()
          .orElseThrow(
              () ->
                  new PlumblineException(
                      ErrorCode.BAD_DATA,
                      "%s:%d cannot be read: %s; fix the line or leave it out."
                          .formatted(
                              file.path(),
                              DataFileReader.lineEndsBefore(storage, file) + row.line(),
                              row.refusal().map(Throwable::getMessage).orElse("no reason known"))));
    }
  }
}
