package io.plumbline.spark.training;

import org.apache.spark.sql.SparkSession;

/** A training command from data to checkpoint. */
public final class TrainingJob {
  private TrainingJob() {}

  /** Checks, prepares, fills the reference cache, trains, evaluates and reports. */
  public static TrainingOutcome run(
      SparkSession spark, TrainingRequest request, ProgressListener progress) {
    throw new UnsupportedOperationException();
  }
}
