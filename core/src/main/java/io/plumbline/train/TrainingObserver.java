package io.plumbline.train;

import java.util.List;
import java.util.Map;

/** What a rank's surroundings hear from the loop and tell it. */
public interface TrainingObserver {
  /** Called at least once a step; throws INTERRUPTED when the run is to stop. */
  void checkInterrupted();

  /** Whether training is to end at the next step; it is enough that one rank is told. */
  default boolean isAskedToStop() {
    return false;
  }

  /** Training goes on behind this step, before any metrics; 0 at the start. */
  default void begins(long afterStep) {}

  /**
   * Metrics of a step or an evaluation, in the order in which they should be shown. Rank 0 only.
   */
  void metrics(Map<String, Double> line);

  /** So many held-out rows of all ranks are done in an evaluation; 0 at first. Rank 0 only. */
  default void evaluated(long done, long total) {}

  /** A sentence that the user should read now. Rank 0 only. */
  void note(String sentence);

  /**
   * Rows that alone make a step's loss or gradient infinite or NaN, before the note or the failure
   * that tells of the step. The same on every rank: the first that fails may stop the others.
   *
   * @param step counted from 1, as in metrics
   * @param rows their indexes among the rows trained on
   */
  default void culprits(long step, List<Long> rows) {}

  /**
   * Called before a training state becomes visible: a run that resumes from it begins behind all
   * lines that were heard by now, so they must be kept. Rank 0 only.
   */
  default void beforeStateIsVisible() {}
}
