package io.plumbline.spark.training.algorithm;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.RowReading.Margins;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.training.rank.RankTraining;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopOutcome;
import java.io.Serializable;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What an algorithm is set by that others are not, and what a run of it is with these settings: a
 * record for each algorithm, whose annotations say besides what of the options of all training
 * commands is otherwise in its command. Names are TRL's where TRL has them.
 */
public interface AlgorithmSettings extends Serializable {
  /** What the settings are of. */
  Algorithm algorithm();

  /**
   * Builds what the settings describe, to find what is wrong with them.
   *
   * @throws PlumblineException BAD_USAGE with what is wrong in a sentence
   */
  default void check() {}

  /** Trains on a rank. */
  LoopOutcome train(RankTraining rank);

  /** These as a run has them, after what is wrong with them was refused. */
  default AlgorithmSettings checked(GivenOptions given) {
    try {
      check();
      refuseIgnored(given);
    } catch (PlumblineException e) {
      given.refuse(e);
    }
    return this;
  }

  /** Refuses options that do nothing: somebody who gives one expects it to do something. */
  default void refuseIgnored(GivenOptions given) {}

  /** What rows are to become. */
  default ExampleKind rowKind() {
    return algorithm().kind();
  }

  /** Whether the margins of pairs change what is learned. */
  default Margins margins() {
    return Margins.NOT_USED;
  }

  /** What becomes of rows once they are read. */
  default RowForm rowForm() {
    return RowForm.PLAIN;
  }

  /** Whether the reference's log-probabilities of the rows are read. */
  default boolean needsReference() {
    return false;
  }

  /** How completions are made and scored, where the policy writes them while it trains. */
  default Optional<RolloutSettings> rollouts() {
    return Optional.empty();
  }

  /** Directories of models beside the policy whose weights decide updates, by a name of each. */
  default Map<String, String> models() {
    return Map.of();
  }

  /** The directory from which a critic of its own starts, where one is trained. */
  default Optional<String> criticStart() {
    return Optional.empty();
  }

  /** Rows that every update learns beside those of the data. */
  default Optional<SideRows> sideRows() {
    return Optional.empty();
  }

  /** What a user should know before the run. */
  default List<String> notices(Storage storage, ModelDirectory start) {
    return List.of();
  }
}
