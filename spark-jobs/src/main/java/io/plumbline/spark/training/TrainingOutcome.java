package io.plumbline.spark.training;

import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a training job leaves behind.
 *
 * @param ledger where its rollouts stand, of an algorithm that has them
 * @param steps the last step that was done
 * @param planned steps that were to be done; more than {@code steps} where the run ended early
 * @param selectedBy the metric by which the checkpoint's step is chosen; empty for the last step
 * @param best the step whose weights the checkpoint holds, where they were chosen by a metric
 * @param before evaluation metrics before the first update; empty without held-out data
 * @param after the same after the last, or at the best step
 */
public record TrainingOutcome(
    String checkpoint,
    String metrics,
    String report,
    String runRecord,
    Optional<String> ledger,
    long steps,
    long planned,
    String selectedBy,
    OptionalLong best,
    Map<String, Double> before,
    Map<String, Double> after) {

  /** Whether the metric that chooses the step ended the run before its plan did. */
  public boolean endedEarly() {
    return steps < planned;
  }
}
