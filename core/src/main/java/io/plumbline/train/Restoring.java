package io.plumbline.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.checkpoint.TrainingStateStore.Snapshot;
import io.plumbline.collective.Collective;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Finds the newest training state that all ranks can read whole: one that has lost or changed a
 * file is reported, set aside, and the one before it taken.
 */
final class Restoring {
  /**
   * A state that every rank has read.
   *
   * @param step updates done when it was written
   * @param state what of it is no numbers of weights and optimizer
   */
  record Restored(long step, ObjectNode state) {}

  private final TrainingStateStore states;
  private final Collective collective;
  private final TrainingObserver observer;

  /** What is wrong with states, by their steps. */
  private final Map<Long, String> damaged = new TreeMap<>();

  Restoring(TrainingStateStore states, Collective collective, TrainingObserver observer) {
    this.states = states;
    this.collective = collective;
    this.observer = observer;
  }

  /**
   * Reads states from the newest on until one is whole.
   *
   * @param reading takes all that a rank needs from a state; what it took of a damaged one is taken
   *     again from the next
   * @return what was read of the state that was taken; empty where there is none at all
   * @throws PlumblineException BAD_CHECKPOINT where there are states and none is whole
   */
  Optional<Restored> newest(Function<Snapshot, ObjectNode> reading) {
    // Rank 0 decides, so that no rank sees a newer state than another.
    List<Long> steps = isFirst() ? states.steps() : List.of();
    Collections.reverse(steps);
    Iterator<Long> newestFirst = steps.iterator();
    while (true) {
      double[] next = {newestFirst.hasNext() ? newestFirst.next() : 0};
      collective.allReduceSum(next);
      long step = (long) next[0];
      if (step == 0) {
        requireNoneDamaged();
        return Optional.empty();
      }
      Optional<Restored> read = read(step, reading);
      double[] failed = {read.isEmpty() ? 1 : 0};
      collective.allReduceSum(failed);
      if (failed[0] == 0) {
        setAsideDamaged(step);
        return read;
      }
      damaged.putIfAbsent(step, "another rank could not read it");
    }
  }

  private boolean isFirst() {
    return collective.rank() == 0;
  }

  /** Empty where the state is damaged. */
  private Optional<Restored> read(long step, Function<Snapshot, ObjectNode> reading) {
    try {
      return Optional.of(new Restored(step, reading.apply(states.at(step))));
    } catch (PlumblineException e) {
      damaged.put(step, TrainingStateStore.damage(e).orElseThrow(() -> e));
      return Optional.empty();
    }
  }

  private void requireNoneDamaged() {
    if (!damaged.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "No training state is whole (%s): bring one back, or start anew by --overwrite."
              .formatted(sentence()));
    }
  }

  private void setAsideDamaged(long taken) {
    if (!isFirst() || damaged.isEmpty()) {
      return;
    }
    damaged.forEach(states::setAside);
    observer.note(
        "A training state is damaged (%s), and its steps are done again from the state of step %d."
            .formatted(sentence(), taken));
  }

  private String sentence() {
    return damaged.entrySet().stream()
        .map(one -> "step " + one.getKey() + ": " + one.getValue())
        .collect(Collectors.joining("; "));
  }
}
