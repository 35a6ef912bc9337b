package io.plumbline.train;

import java.util.OptionalLong;

/**
 * How a run of the loop ended.
 *
 * @param firstStep updates that were done before it began
 * @param lastStep updates that were done when it ended
 * @param best the step whose weights the model holds now, where they were chosen by a metric
 * @param ending why it ended
 */
public record LoopOutcome(long firstStep, long lastStep, OptionalLong best, Ending ending) {
  /** Whether it was asked to end, and can be resumed. */
  public boolean isInterrupted() {
    return ending == Ending.INTERRUPTED;
  }

  /** Why a run ended. */
  public enum Ending {
    /** It did all the steps of its plan. */
    COMPLETE,
    /** The chosen metric did not get better any more. */
    STOPPED_EARLY,
    /** It was asked to; its state is saved, and nothing else came of it. */
    INTERRUPTED
  }
}
