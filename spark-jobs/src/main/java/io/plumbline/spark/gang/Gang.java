package io.plumbline.spark.gang;

import java.time.Duration;
import java.util.function.Consumer;
import org.apache.spark.sql.SparkSession;

/** Runs a task on N ranks at once as a barrier stage that Spark retries whole. */
public final class Gang {
  /**
   * @param ranks world size
   * @param collectiveDeadline how long a rank waits for its peers in one operation
   */
  public record Settings(int ranks, Duration collectiveDeadline) {}

  private Gang() {}

  /** Runs the gang to its end; {@code listener} hears what members publish, on one thread. */
  public static String run(
      SparkSession spark, Settings settings, GangTask task, Consumer<String> listener) {
    throw new UnsupportedOperationException();
  }
}
