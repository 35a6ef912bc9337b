package io.plumbline.train;

import io.plumbline.objective.rollout.RolloutObjective;
import java.util.List;

/**
 * What stands beside the rows of a step that learns from rollouts.
 *
 * @param objective the loss of a completion
 * @param age whether the policy is still the one that sampled
 * @param rollouts by slot; rows of further slots are of the pretraining mix
 */
public record RolloutColumns(RolloutObjective objective, Age age, List<LearnedRollout> rollouts) {
  /** How much was learned from a phase's rollouts before this step. */
  public enum Age {
    /** Nothing: the policy is the one that sampled them. */
    FRESH,
    LEARNED_FROM
  }

  boolean isFresh() {
    return age == Age.FRESH;
  }

  boolean isRollout(int slot) {
    return slot < rollouts.size();
  }
}
