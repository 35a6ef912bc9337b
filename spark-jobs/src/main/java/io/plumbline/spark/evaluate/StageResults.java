package io.plumbline.spark.evaluate;

import io.plumbline.spark.reference.SharedModels;
import io.plumbline.spark.reference.SparkFailures;
import java.util.Iterator;
import java.util.Map;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/** What a stage gives for each input row, in their order; computed once and kept until closed. */
public final class StageResults<T> implements AutoCloseable {
  private final JavaRDD<T> values;
  private final long size;

  private StageResults(JavaRDD<T> values, long size) {
    this.values = values;
    this.size = size;
  }

  static <T> StageResults<T> of(
      JavaPairRDD<Long, Map<String, Object>> rows,
      FlatMapFunction<Iterator<Tuple2<Long, Map<String, Object>>>, T> stage) {
    JavaRDD<T> values = rows.mapPartitions(stage).persist(StorageLevel.MEMORY_AND_DISK());
    try {
      // All partitions now: fetched one by one they would leave all slots but one idle.
      return new StageResults<>(values, SparkFailures.unwrapped(values::count));
    } catch (RuntimeException e) {
      values.unpersist();
      throw e;
    } finally {
      SharedModels.closeIdle();
    }
  }

  public long size() {
    return size;
  }

  /** The values in order; this process holds one partition of them at a time. */
  public Iterator<T> iterator() {
    return SparkFailures.unwrapped(values::toLocalIterator);
  }

  @Override
  public void close() {
    values.unpersist();
  }
}
