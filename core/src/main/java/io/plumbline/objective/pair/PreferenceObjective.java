package io.plumbline.objective.pair;

import java.util.List;

/**
 * A loss on preference pairs: a pure function of the log-probabilities of a step's whole batch. The
 * step's loss is the mean of the pairs' losses.
 */
public sealed interface PreferenceObjective permits PairObjective, BatchObjective {
  /** Losses of the pairs, in their order. */
  List<PairLoss> losses(List<PairLogps> batch);

  /** Whether the reference's log-probabilities are looked at. */
  default boolean needsReference() {
    return true;
  }

  /** Whether every pair must come with a margin. */
  default boolean needsMargin() {
    return false;
  }
}
