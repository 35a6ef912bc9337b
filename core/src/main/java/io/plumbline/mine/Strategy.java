package io.plumbline.mine;

import java.io.Serializable;
import java.util.List;

/**
 * Decides which completions of a prompt become data. A pure function: the same candidates and the
 * same prompt give the same choices, wherever it runs. No completion stands in two choices.
 */
public sealed interface Strategy extends Serializable
    permits BestAgainstWorst, HardNegatives, BestOf, StatisticalRejection {

  /** Fewer candidates give no choice. */
  int leastCandidates();

  /**
   * Chooses.
   *
   * @param candidates of one prompt, in the order of their samples, at least {@link
   *     #leastCandidates}, no two alike
   * @param prompt the prompt's place in the input, on which draws depend
   */
  Selection select(List<Candidate> candidates, long prompt);
}
