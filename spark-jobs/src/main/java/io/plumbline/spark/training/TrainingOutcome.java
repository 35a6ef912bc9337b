package io.plumbline.spark.training;

import java.util.Map;

/**
 * What a training job leaves behind.
 *
 * @param before evaluation metrics before the first update; empty without held-out data
 * @param after the same after the last
 */
public record TrainingOutcome(
    String checkpoint,
    String metrics,
    String report,
    String runRecord,
    long steps,
    Map<String, Double> before,
    Map<String, Double> after) {}
