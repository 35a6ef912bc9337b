package io.plumbline.reward;

import java.util.List;

/** Says which completions of a batch a function could score, and why not the others. */
final class PartlyScoredException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Outcome> outcomes;

  /**
   * @param outcomes one for each completion
   */
  PartlyScoredException(List<Outcome> outcomes) {
    super("some completions could not be scored");
    this.outcomes = List.copyOf(outcomes);
  }

  List<Outcome> outcomes() {
    return outcomes;
  }
}
