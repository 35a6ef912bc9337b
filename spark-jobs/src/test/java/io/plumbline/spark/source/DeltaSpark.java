package io.plumbline.spark.source;

import io.delta.sql.DeltaSparkSessionExtension;
import io.plumbline.spark.reference.LocalSpark;
import org.apache.spark.sql.SparkSession;

/**
 * A session with Delta beside the one that the other tests share: extensions are a session's own,
 * while the SparkContext, of which a JVM has but one, is shared.
 */
final class DeltaSpark implements AutoCloseable {
  private final SparkSession plain = LocalSpark.session();
  private final SparkSession delta;

  DeltaSpark() {
    delta =
        SparkSession.builder()
            .withExtensions(new DeltaSparkSessionExtension())
            .config(
                "spark.sql.catalog.spark_catalog",
                "org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .config("spark.databricks.delta.snapshotPartitions", "1")
            .create();
    // Some of Spark's own code takes the active session.
    SparkSession.setActiveSession(delta);
  }

  /** With Delta. */
  SparkSession session() {
    return delta;
  }

  /** Without Delta. */
  SparkSession plain() {
    return plain;
  }

  @Override
  public void close() {
    SparkSession.setActiveSession(plain);
  }
}
