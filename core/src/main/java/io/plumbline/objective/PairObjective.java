package io.plumbline.objective;

/** A loss on preference pairs: a pure function of the pair's log-probabilities. */
@FunctionalInterface
public interface PairObjective {
  PairLoss loss(PairLogps pair);
}
