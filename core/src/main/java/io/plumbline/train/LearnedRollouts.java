package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import io.plumbline.objective.rollout.RolloutObjective;

/** What the rows of the present step were made of. */
interface LearnedRollouts {
  /** The rollouts of a row of the step. */
  LearnedRollout of(TokenizedRow row);

  /** The loss of the step's rollouts. */
  RolloutObjective objective();

  /** Whether no update was made since they were sampled. */
  boolean fresh();
}
