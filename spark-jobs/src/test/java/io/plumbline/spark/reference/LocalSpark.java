package io.plumbline.spark.reference;

import io.plumbline.spark.gang.Gang;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import scala.Option;

/** Local sessions for tests. Sessions are one a JVM, so test classes share or replace them. */
public final class LocalSpark {
  private LocalSpark() {}

  /** A session with two slots; the one that is there, if another test left one. */
  public static SparkSession session() {
    return withSlots(2);
  }

  /** A session with so many slots. One with another number, left by another test, ends. */
  public static SparkSession withSlots(int slots) {
    String master = "local[" + slots + "]";
    Option<SparkSession> left = SparkSession.getDefaultSession();
    if (left.isDefined() && !left.get().sparkContext().master().equals(master)) {
      left.get().stop();
    }
    SparkSession.Builder builder =
        SparkSession.builder()
            .master(master)
            .appName("plumbline tests")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2");
    Gang.recommendedSettings().forEach(builder::config);
    return builder.getOrCreate();
  }

  public static JavaSparkContext context() {
    return JavaSparkContext.fromSparkContext(session().sparkContext());
  }
}
