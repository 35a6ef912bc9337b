package io.plumbline.rollout;

import io.plumbline.collective.Collective;
import io.plumbline.model.Generation;
import io.plumbline.rollout.Phase.Kept;
import io.plumbline.rollout.Phase.Place;
import io.plumbline.rollout.RolloutSampler.Group;
import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerRow;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/** Writes a phase's rollouts to the ledger. */
record PhaseLedger(Ledger ledger, Worth worth, Collective collective) {
  /**
   * @param credits what this rank's kept groups are learned for, in their order
   */
  void write(Phase phase, List<Kept> kept, List<GroupCredit> credits) {
    Map<Place, GroupCredit> byPlace = new HashMap<>();
    for (int n = 0; n < kept.size(); n++) {
      byPlace.put(kept.get(n).place(), credits.get(n));
    }
    List<LedgerRow> rows = new ArrayList<>();
    int firstSlot = 0;
    for (int r = 0; r < phase.rounds().size(); r++) {
      Round round = phase.rounds().get(r);
      for (int own = 0; own < round.groups().size(); own++) {
        Optional<GroupCredit> credit =
            Optional.ofNullable(byPlace.get(new Place(r, round.place(own))));
        for (int i = 0; i < round.groups().get(own).size(); i++) {
          rows.add(row(phase.step(), round, own, firstSlot, i, credit));
        }
      }
      firstSlot += round.table().groups();
    }
    ledger.write(phase.step() + 1, rows, collective);
  }

  private LedgerRow row(
      long step, Round round, int own, int firstSlot, int i, Optional<GroupCredit> credit) {
    Group group = round.groups().get(own);
    Generation written = group.generations().get(i);
    int place = round.place(own);
    CompletionNumbers numbers = round.table().group(place).get(i);
    boolean byToken = round.compared().isEmpty() || !round.ofSteps().get(own).isEmpty();
    List<String> rewards = worth.sampler().rewards().names();
    return new LedgerRow(
        step + 1,
        step / worth.settings().schedule().stepsPerPhase(),
        collective.rank(),
        group.prompt().index(),
        firstSlot + place,
        i,
        group.completions().get(i).prompt(),
        group.completions().get(i).text(),
        group.prompt().prompt().length,
        written.tokens(),
        written.logps(),
        group.reference().isEmpty() ? Optional.empty() : Optional.of(group.reference().get(i)),
        OptionalDouble.of(worth.reward(numbers)),
        named(rewards, numbers.scores(), 0),
        named(worth.sampler().costs().names(), numbers.scores(), rewards.size()),
        credit
            .map(credited -> advantage(round, place * group.size() + i, credited, i))
            .orElse(OptionalDouble.empty()),
        credit.filter(credited -> byToken).map(credited -> credited.byToken().get(i)),
        written.finish(),
        step,
        group.failure(i));
  }

  /** Of the completion as a whole: with a critic, the mean over its tokens. */
  private static OptionalDouble advantage(Round round, int completion, GroupCredit credit, int i) {
    return round.compared().isPresent()
        ? OptionalDouble.of(round.compared().get().advantages()[completion])
        : Arrays.stream(credit.byToken().get(i)).average();
  }

  private static Map<String, OptionalDouble> named(List<String> names, double[] scores, int from) {
    Map<String, OptionalDouble> named = new LinkedHashMap<>();
    for (int i = 0; i < names.size(); i++) {
      named.put(names.get(i), OptionalDouble.of(scores[from + i]));
    }
    return named;
  }
}
