package io.plumbline.spark.tracking;

import java.util.Map;

/** Hears how a job goes on. Called from one thread at a time. */
public interface ProgressListener {
  /** A stage begins: {@code prepare}, {@code reference}, {@code train}, {@code evaluate}… */
  void stageStarted(String stage, long total, String unit);

  /** So many of the stage's units are done. */
  void stageAdvanced(String stage, long done);

  /** A stage is over; {@code summary} is one line for people, such as rows and time. */
  void stageFinished(String stage, String summary);

  /** The metrics of one training step (or evaluation), as they stand in metrics.jsonl. */
  void step(long step, long totalSteps, Map<String, Double> metrics);

  /** One line worth reading. */
  void note(String line);
}
