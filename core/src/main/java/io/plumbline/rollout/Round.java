package io.plumbline.rollout;

import io.plumbline.advantage.Advantages;
import io.plumbline.rollout.RolloutSampler.Group;
import java.util.List;
import java.util.Optional;

/**
 * A draw of prompts with its completions, scored.
 *
 * @param groups this rank's
 * @param ofSteps by group of this rank and by completion, what process rewards give each token;
 *     empty for a group without any
 * @param table what is known of all ranks' completions
 * @param compared all ranks' completions with their groups; empty where a critic says what was to
 *     be expected
 */
record Round(
    List<Group> groups,
    List<List<double[]>> ofSteps,
    PhaseTable table,
    Optional<Advantages> compared) {

  /** Whether a group's completions differ in what they are to be learned for. */
  boolean differs(int place) {
    return compared.isEmpty()
        || compared.get().teaches(place)
        || table.group(place).stream().anyMatch(row -> row.steps() > 0);
  }

  /** The place of this rank's group {@code own} among all ranks' groups. */
  int place(int own) {
    return table.firstGroup() + own;
  }
}
