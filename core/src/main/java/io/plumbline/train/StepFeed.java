package io.plumbline.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;

/**
 * Where a rank's loop takes the rows of its steps from.
 *
 * @param <P> columns of the rows
 */
public interface StepFeed<P> extends AutoCloseable {
  /** Steps of the whole run. */
  long steps();

  /** How often so many steps have seen the data. */
  double epochs(long steps);

  /**
   * Goes to where a run stands after so many steps. Called once, before any {@link #batch}.
   *
   * @param state what {@link #state} gave then; empty at the start of a run
   */
  void goTo(long steps, ObjectNode state);

  /**
   * This rank's rows of a step, with what is learned from them. Steps come in order, some perhaps
   * left out.
   */
  StepBatch<P> batch(long step);

  /**
   * The first number of steps, from {@code steps} on, after which the run can be saved and resumed:
   * where rows are made for several steps at once, not in the midst of these.
   */
  default long nextRest(long steps) {
    return steps;
  }

  /** Whether no update was made yet since the step's rows, or what they are compared with, were. */
  default boolean begins(long step) {
    return step == 0;
  }

  /** The draw of a step's dropout: that of others where their passes are compared. */
  default long draw(long step) {
    return step;
  }

  /** All that decides further rows, as far as it changes during a run; the same on every rank. */
  ObjectNode state();

  /** What is to be reported of how the newest step's rows were made, from all ranks. */
  default Map<String, Double> metrics() {
    return Map.of();
  }

  @Override
  void close();
}
