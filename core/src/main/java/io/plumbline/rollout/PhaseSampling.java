package io.plumbline.rollout;

import io.plumbline.advantage.Advantages;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.statistics.Moments;
import io.plumbline.train.Rank;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The first half of a phase: draws prompts, has them completed and scored, gathers the scores of
 * all ranks and compares.
 */
record PhaseSampling(PromptDraws prompts, Credit credit, Worth worth, GroupRows passes, Rank rank) {
  /** As many rounds as it takes until enough groups differ, or as are allowed. */
  Phase sample(long step) {
    List<Round> rounds = new ArrayList<>();
    int wanted = 0;
    int found = 0;
    for (int r = 0; r < worth.settings().schedule().rounds() && (r == 0 || found < wanted); r++) {
      Round round = round();
      rounds.add(round);
      int groups = round.table().groups();
      wanted = r == 0 ? Math.min(groups, worth.settings().schedule().promptsPerPhase()) : wanted;
      for (int g = 0; g < groups; g++) {
        found += round.differs(g) ? 1 : 0;
      }
    }
    return new Phase(step, rounds);
  }

  private Round round() {
    rank.observer().checkInterrupted();
    PromptDraws.Draw draw = prompts.next();
    List<Group> groups =
        worth.sampler().sample(draw.prompts(), draw.keys(), worth.settings().sampling(), passes);
    rank.observer().checkInterrupted();
    List<List<double[]>> ofSteps =
        groups.stream().map(group -> credit.ofSteps(group, worth.sampler())).toList();
    PhaseTable table =
        PhaseTable.gather(
            rank.collective(),
            worth.settings().sampling().completions(),
            worth.sampler().functions(),
            numbers(groups, ofSteps));
    Round round = new Round(groups, ofSteps, table, credit.compare(table, worth));
    round.compared().ifPresent(compared -> measure(table, compared));
    return round;
  }

  private List<CompletionNumbers> numbers(List<Group> groups, List<List<double[]>> ofSteps) {
    List<CompletionNumbers> own = new ArrayList<>();
    for (int g = 0; g < groups.size(); g++) {
      Group group = groups.get(g);
      for (int i = 0; i < group.size(); i++) {
        own.add(
            CompletionNumbers.of(
                group,
                i,
                group.reference().isEmpty()
                    ? 0
                    : worth.klCharge(group.generations().get(i).logps(), group.reference().get(i)),
                worth.overlong(group.generations().get(i)),
                ofSteps.get(g).isEmpty()
                    ? 0
                    : Arrays.stream(ofSteps.get(g).get(i)).map(Math::abs).max().orElse(0)));
      }
    }
    return own;
  }

  /** Tells the curriculum how hard the prompts were. */
  private void measure(PhaseTable table, Advantages compared) {
    if (worth.controllers().curriculum().isEmpty()) {
      return;
    }
    int size = table.groupSize();
    long[] indexes = new long[table.groups()];
    double[] means = new double[table.groups()];
    double[] deviations = new double[table.groups()];
    for (int g = 0; g < indexes.length; g++) {
      indexes[g] = (long) table.group(g).get(0).prompt();
      means[g] = Moments.of(compared.rewards(), g * size, (g + 1) * size).mean();
      deviations[g] = compared.groupDeviations()[g];
    }
    worth.controllers().curriculum().get().update(indexes, means, deviations);
  }
}
