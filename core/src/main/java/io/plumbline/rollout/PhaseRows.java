package io.plumbline.rollout;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.Generation;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.rollout.Phase.Kept;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.train.LearnedRollout;
import io.plumbline.train.RolloutColumns;
import io.plumbline.train.StepBatch;
import java.util.ArrayList;
import java.util.List;

/** This rank's rows of a phase, by the turn in which they are learned from. */
final class PhaseRows {
  private final RolloutObjective objective;
  private final List<List<TokenizedRow>> rows = new ArrayList<>();
  private final List<List<LearnedRollout>> rollouts = new ArrayList<>();

  PhaseRows(RolloutObjective objective, int turns) {
    this.objective = objective;
    for (int turn = 0; turn < turns; turn++) {
      rows.add(new ArrayList<>());
      rollouts.add(new ArrayList<>());
    }
  }

  /**
   * Adds a group, in as many rows as it takes.
   *
   * @param old log-probabilities before the first update, by completion; empty where there is but
   *     one
   */
  void add(Kept kept, GroupCredit credit, List<float[]> old, GroupRows passes) {
    Group group = kept.group();
    LearnedRollout whole =
        new LearnedRollout(
            group.generations().stream().map(Generation::logps).toList(),
            credit.byToken(),
            old,
            group.reference(),
            credit.values(),
            credit.returns());
    for (GroupRows.Part part : passes.parts(group, credit.learned())) {
      rows.get(kept.turn()).add(part.row());
      rollouts.get(kept.turn()).add(whole.part(part.firstCompletion(), part.end()));
    }
  }

  StepBatch<RolloutColumns> batch(int turn, RolloutColumns.Age age) {
    return new StepBatch<>(rows.get(turn), new RolloutColumns(objective, age, rollouts.get(turn)));
  }
}
