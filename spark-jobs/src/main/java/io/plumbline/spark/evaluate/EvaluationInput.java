package io.plumbline.spark.evaluate;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.inference.RowsRead;
import io.plumbline.spark.inference.SparkFailures;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/**
 * Rows that several stages of an evaluation read, kept by the executors meanwhile.
 *
 * @param read what they are read as
 */
record EvaluationInput(JavaRDD<Map<String, Object>> rows, long size, Optional<String> read)
    implements AutoCloseable {
  /** Reads rows, says what they are read as, and fails with BAD_DATA where there are none. */
  static EvaluationInput of(
      SparkSession spark,
      Storage storage,
      RowSources sources,
      RowsRead.Use use,
      ProgressListener listener) {
    JavaRDD<Map<String, Object>> rows =
        sources
            .read(spark, storage, Purpose.HELD_OUT, listener::note)
            .persist(StorageLevel.MEMORY_AND_DISK());
    try {
      long size = SparkFailures.unwrapped(rows::count);
      String option = use == RowsRead.Use.PROMPTS ? "--prompts" : "--data";
      if (size == 0) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA, option + " holds no row; give data with at least one.");
      }
      Optional<String> read = RowsRead.line(rows, size, use);
      read.ifPresent(line -> listener.note(option + ": " + line));
      return new EvaluationInput(rows, size, read);
    } catch (RuntimeException e) {
      rows.unpersist();
      throw e;
    }
  }

  @Override
  public void close() {
    rows.unpersist();
  }
}
