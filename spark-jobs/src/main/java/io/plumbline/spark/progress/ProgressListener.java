package io.plumbline.spark.progress;

import java.util.Map;

/** Hears the progress of a job. Called from one thread at a time. */
public interface ProgressListener {
  /** Hears nothing. */
  ProgressListener NONE =
      new ProgressListener() {
        @Override
        public void stageStarted(String stage, long total, String unit) {}

        @Override
        public void stageAdvanced(String stage, long done) {}

        @Override
        public void stageFinished(String stage, String summary) {}

        @Override
        public void step(long step, long totalSteps, Map<String, Double> metrics) {}

        @Override
        public void note(String line) {}
      };

  /** A stage begins: {@code prepare}, {@code reference}, {@code train}, {@code evaluate}… */
  void stageStarted(String stage, long total, String unit);

  /** So many of the stage's units are done. */
  void stageAdvanced(String stage, long done);

  /**
   * What has gone through a stage so far, beside the units that it is counted in: tokens through a
   * model, or rows where the units are parts.
   */
  record Amount(long amount, String unit) {}

  /** So many units are done, in a stage whose pace is told by another amount. */
  default void stageAdvanced(String stage, long done, Amount handled) {
    stageAdvanced(stage, done);
  }

  /** So many held-out rows are done in an evaluation within training; 0 where it begins. */
  default void evaluating(long done, long total) {}

  /** A stage is over; {@code summary} is one line for people, such as rows and time. */
  void stageFinished(String stage, String summary);

  /** The metrics of one training step (or evaluation), as they stand in metrics.jsonl. */
  void step(long step, long totalSteps, Map<String, Double> metrics);

  /** One line worth reading. */
  void note(String line);
}
