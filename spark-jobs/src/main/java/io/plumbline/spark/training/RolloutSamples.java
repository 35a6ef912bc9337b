package io.plumbline.spark.training;

import io.plumbline.rollout.ledger.Ledger;
import io.plumbline.rollout.ledger.LedgerReader;
import io.plumbline.rollout.ledger.LedgerRow;
import io.plumbline.spark.report.Histogram;
import io.plumbline.spark.report.ReportData.Rollout;
import io.plumbline.spark.report.ReportData.RolloutGroup;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeSet;
import java.util.stream.DoubleStream;

/**
 * What a person looks at first of a ledger: a few groups of a few phases, and how rewards, lengths
 * and KL are spread at the beginning and at the end. A ledger may be large, so little of it is
 * read.
 *
 * @param groups of the first phase, of some between, and of the last
 */
record RolloutSamples(List<RolloutGroup> groups, List<Histogram> histograms) {
  static final RolloutSamples NONE = new RolloutSamples(List.of(), List.of());

  private static final int PHASES = 5;
  private static final int GROUPS_OF_A_PHASE = 10;

  /** Of a larger group the best ones and the worst two. */
  private static final int COMPLETIONS_OF_A_GROUP = 8;

  private static final int WORST = 2;

  /** Completions that a distribution is drawn from, where there are as many. */
  private static final int COMPLETIONS_OF_A_DISTRIBUTION = 500;

  /** Completions of a phase that are read at most. */
  private static final int MOST_ROWS = 5_000;

  private static final int LONGEST_NOTE = 120;

  RolloutSamples {
    groups = List.copyOf(groups);
    histograms = List.copyOf(histograms);
  }

  /** None where the ledger is empty. */
  static RolloutSamples of(Storage storage, String ledger) {
    List<Long> phases = Ledger.in(storage, ledger).steps();
    if (phases.isEmpty()) {
      return NONE;
    }
    List<RolloutGroup> groups = new ArrayList<>();
    TreeSet<Long> chosen = new TreeSet<>();
    for (int i = 0; i < PHASES; i++) {
      chosen.add(phases.get((int) Math.round(i * (phases.size() - 1) / (PHASES - 1.0))));
    }
    int rowsOfAPhase = 1;
    for (long step : chosen) {
      List<LedgerRow> rows = rows(storage, ledger, step, step);
      rowsOfAPhase = Math.max(rowsOfAPhase, rows.size());
      groups.addAll(groups(step, rows));
    }
    return new RolloutSamples(groups, histograms(storage, ledger, phases, rowsOfAPhase));
  }

  /** The groups of the last phase. */
  List<RolloutGroup> ofLastPhase() {
    long last = groups.stream().mapToLong(RolloutGroup::step).max().orElse(0);
    return groups.stream().filter(group -> group.step() == last).toList();
  }

  private static List<LedgerRow> rows(Storage storage, String ledger, long from, long to) {
    List<LedgerRow> rows = new ArrayList<>();
    try (LedgerReader reader = LedgerReader.fromStep(storage, ledger, from)) {
      Optional<LedgerRow> row = reader.next();
      while (row.isPresent() && row.get().step() <= to && rows.size() < MOST_ROWS) {
        rows.add(row.get());
        row = reader.next();
      }
    }
    return rows;
  }

  private static List<RolloutGroup> groups(long step, List<LedgerRow> rows) {
    Map<List<Long>, List<LedgerRow>> byPrompt = new LinkedHashMap<>();
    for (LedgerRow row : rows) {
      // A slot that was refilled holds several prompts.
      List<Long> prompt = List.of((long) row.slot(), row.promptIndex());
      if (byPrompt.containsKey(prompt) || byPrompt.size() < GROUPS_OF_A_PHASE) {
        byPrompt.computeIfAbsent(prompt, p -> new ArrayList<>()).add(row);
      }
    }
    return byPrompt.values().stream().map(group -> group(step, group)).toList();
  }

  private static RolloutGroup group(long step, List<LedgerRow> rows) {
    List<Rollout> sorted =
        rows.stream()
            .map(RolloutSamples::rollout)
            .sorted(Comparator.comparingDouble(RolloutSamples::rank).reversed())
            .toList();
    List<Rollout> shown = sorted;
    if (sorted.size() > COMPLETIONS_OF_A_GROUP) {
      shown = new ArrayList<>(sorted.subList(0, COMPLETIONS_OF_A_GROUP - WORST));
      shown.addAll(sorted.subList(sorted.size() - WORST, sorted.size()));
    }
    return new RolloutGroup(step, rows.get(0).prompt(), rows.size(), shown);
  }

  private static Rollout rollout(LedgerRow row) {
    Map<String, Double> rewards = new LinkedHashMap<>();
    row.rewards().forEach((name, value) -> rewards.put(name, orNan(value)));
    row.costs().forEach((name, value) -> rewards.put(name, orNan(value)));
    String note =
        row.failure()
            .map(failure -> "not scored: " + failure)
            .orElse(row.truncated() ? "cut off" : "");
    return new Rollout(
        row.completion(),
        orNan(row.reward()),
        row.tokens().length,
        rewards,
        note.length() <= LONGEST_NOTE ? note : note.substring(0, LONGEST_NOTE - 1) + "…");
  }

  private static double orNan(OptionalDouble value) {
    return value.orElse(Double.NaN);
  }

  private static double rank(Rollout rollout) {
    return Double.isNaN(rollout.reward()) ? Double.NEGATIVE_INFINITY : rollout.reward();
  }

  /** The first phases against the last: as many as give enough completions, and never the same. */
  private static List<Histogram> histograms(
      Storage storage, String ledger, List<Long> phases, int rowsOfAPhase) {
    int enough = (COMPLETIONS_OF_A_DISTRIBUTION + rowsOfAPhase - 1) / rowsOfAPhase;
    int taken = Math.max(1, Math.min(enough, phases.size() / 2));
    Map<String, List<LedgerRow>> moments = new LinkedHashMap<>();
    if (phases.size() > 1) {
      moments.put("at the start", rows(storage, ledger, phases.get(0), phases.get(taken - 1)));
    }
    moments.put(
        "at the end",
        rows(storage, ledger, phases.get(phases.size() - taken), phases.get(phases.size() - 1)));
    return List.of(
        Histogram.of(
            "Rewards", "The reward of each completion.", values(moments, RolloutSamples::reward)),
        Histogram.of(
            "Lengths of completions",
            "Tokens of each completion, an EOS among them.",
            values(moments, row -> OptionalDouble.of(row.tokens().length))),
        Histogram.of(
            "KL of completions",
            "The sum of each completion's log-ratios to the reference, in nats. A completion that"
                + " the policy finds less likely than the reference does lies below 0; only the mean"
                + " cannot.",
            values(moments, RolloutSamples::kl)));
  }

  private interface Measure {
    OptionalDouble of(LedgerRow row);
  }

  private static Map<String, double[]> values(
      Map<String, List<LedgerRow>> moments, Measure measure) {
    Map<String, double[]> values = new LinkedHashMap<>();
    moments.forEach(
        (moment, rows) ->
            values.put(
                moment,
                rows.stream()
                    .map(measure::of)
                    .flatMapToDouble(
                        value ->
                            value.isPresent()
                                ? DoubleStream.of(value.getAsDouble())
                                : DoubleStream.empty())
                    .toArray()));
    return values;
  }

  private static OptionalDouble reward(LedgerRow row) {
    return row.reward();
  }

  private static OptionalDouble kl(LedgerRow row) {
    if (row.referenceLogps().isEmpty()) {
      return OptionalDouble.empty();
    }
    double sum = 0;
    for (int i = 0; i < row.logps().length; i++) {
      sum += row.logps()[i] - row.referenceLogps().get()[i];
    }
    return OptionalDouble.of(sum);
  }
}
