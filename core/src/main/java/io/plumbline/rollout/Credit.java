package io.plumbline.rollout;

import io.plumbline.advantage.Advantages;
import io.plumbline.collective.Collective;
import io.plumbline.rollout.Phase.Kept;
import io.plumbline.rollout.RolloutSampler.Group;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What completions are compared with, which says what their tokens are learned for. */
sealed interface Credit permits GroupBaseline, CriticCredit {
  /** What process rewards give each token of a group, by completion; empty where there are none. */
  List<double[]> ofSteps(Group group, RolloutSampler sampler);

  /** Compares the completions of all ranks' groups, where they are what is compared. */
  Optional<Advantages> compare(PhaseTable table, Worth worth);

  /**
   * Credits this rank's kept groups; every rank takes part, also without any.
   *
   * @return in the order of the groups
   */
  List<GroupCredit> credit(
      Phase phase, List<Kept> own, Worth worth, GroupRows passes, Collective collective);

  /** What is reported of the comparison, under TRL's names. */
  Map<String, Double> metrics(Phase phase, Worth worth);
}
