package io.plumbline.spark.training;

import io.plumbline.spark.report.ReportData.RolloutGroup;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a training job leaves behind.
 *
 * @param before evaluation metrics before the first update; empty without held-out data
 * @param after the same after the last, or at the best step
 * @param rollouts some of its last phase, of an algorithm that has them
 */
public record TrainingOutcome(
    Files files,
    Steps steps,
    Map<String, Double> before,
    Map<String, Double> after,
    List<RolloutGroup> rollouts) {

  /**
   * Where its results stand.
   *
   * @param ledger of its rollouts, of an algorithm that has them
   */
  public record Files(
      String checkpoint,
      String metrics,
      String report,
      String runRecord,
      Optional<String> ledger) {}

  /**
   * How far it came.
   *
   * @param done the last step that was done
   * @param planned steps that were to be done; more than {@code done} where the run ended early
   * @param selectedBy the metric by which the checkpoint's step is chosen; empty for the last step
   * @param best the step whose weights the checkpoint holds, where they were chosen by a metric
   */
  public record Steps(long done, long planned, String selectedBy, OptionalLong best) {
    /** Whether the metric that chooses the step ended the run before its plan did. */
    public boolean endedEarly() {
      return done < planned;
    }
  }
}
