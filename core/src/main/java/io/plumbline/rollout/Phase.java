package io.plumbline.rollout;

import io.plumbline.rollout.RolloutSampler.Group;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What was sampled for some steps.
 *
 * @param step before the phase, counted from 0
 * @param rounds one, or more where groups that do not differ were sampled over
 */
record Phase(long step, List<Round> rounds) {
  /** A group's round, and its place among all ranks' groups of it. */
  record Place(int round, int group) {}

  /**
   * A group of this rank that is learned from.
   *
   * @param turn of the phase's steps
   * @param own its place among this rank's groups of the round
   */
  record Kept(int turn, Place place, Round round, int own) {
    Group group() {
      return round.groups().get(own);
    }

    /** What process rewards give each token, by completion; empty where there are none. */
    List<double[]> ofSteps() {
      return round.ofSteps().get(own);
    }

    CompletionNumbers numbers(int completion) {
      return round.table().group(place.group()).get(completion);
    }
  }

  /**
   * Which groups are learned from, as many as the first round has at most: where more rounds were
   * allowed, those that differ in reward first.
   */
  private List<Place> kept(Rollouts.Settings settings) {
    List<Place> differing = new ArrayList<>();
    List<Place> others = new ArrayList<>();
    for (int r = 0; r < rounds.size(); r++) {
      for (int g = 0; g < rounds.get(r).table().groups(); g++) {
        boolean first = settings.schedule().rounds() == 1 || rounds.get(r).differs(g);
        (first ? differing : others).add(new Place(r, g));
      }
    }
    differing.addAll(others);
    int wanted = Math.min(rounds.get(0).table().groups(), settings.schedule().promptsPerPhase());
    return List.copyOf(differing.subList(0, Math.min(wanted, differing.size())));
  }

  /** The groups of this rank that are learned from, dealt out to the phase's turns. */
  List<Kept> ownKept(Rollouts.Settings settings) {
    List<Place> kept = kept(settings);
    List<Kept> own = new ArrayList<>();
    for (int k = 0; k < kept.size(); k++) {
      Place place = kept.get(k);
      Round round = rounds.get(place.round());
      int at = place.group() - round.table().firstGroup();
      if (at >= 0 && at < round.groups().size()) {
        own.add(new Kept(k % settings.schedule().stepsPerGeneration(), place, round, at));
      }
    }
    return own;
  }

  /** One number of every completion of all ranks. */
  double[] column(ToDoubleFunction<CompletionNumbers> number) {
    return rounds.stream()
        .flatMap(round -> round.table().rows().stream())
        .mapToDouble(number)
        .toArray();
  }
}
