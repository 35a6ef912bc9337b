package io.plumbline.rollout.ledger;

import io.plumbline.parquet.Cells;
import io.plumbline.parquet.Kind;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a ledger holds, at a glance.
 *
 * @param rows how many rollouts
 * @param phases how many rollout phases
 * @param ranges the run in a few ranges of steps, in order
 * @param best the rollouts with the highest rewards, of equal ones the latest, best first
 * @param worst the rollouts with the lowest rewards, likewise
 */
public record LedgerSummary(
    long rows, long phases, List<Range> ranges, List<Sample> best, List<Sample> worst) {

  /**
   * Rollouts of a range of steps.
   *
   * @param reward mean over those that have one; empty where none has
   * @param rewards the same by reward function
   * @param costs the same by cost function
   * @param completionTokens mean length of a completion, in tokens
   * @param truncated share of completions that were cut off
   * @param dropped share of completions without an advantage
   * @param failures how many have a failure
   */
  public record Range(
      long firstStep,
      long lastStep,
      long rows,
      OptionalDouble reward,
      SortedMap<String, Double> rewards,
      SortedMap<String, Double> costs,
      double completionTokens,
      double truncated,
      double dropped,
      long failures) {}

  /** A rollout, for a person to read. */
  public record Sample(
      long step,
      long promptIndex,
      int slot,
      int sample,
      String prompt,
      String completion,
      int completionTokens,
      double reward) {}

  private static final int RANGES = 10;

  private static final Set<String> COLUMNS =
      Set.of(
          "step",
          "prompt_index",
          "slot",
          "sample",
          "prompt",
          "completion",
          "completion_tokens",
          "reward",
          "rewards",
          "costs",
          "advantage",
          "truncated",
          "failure");

  /** Highest last; of equal rewards the later step, and the earlier place in a step, is higher. */
  private static final Comparator<Sample> LATEST =
      Comparator.comparingLong(Sample::step)
          .thenComparing(Comparator.comparingInt(Sample::slot).reversed())
          .thenComparing(Comparator.comparingInt(Sample::sample).reversed());

  /** Whether a directory holds rollouts. */
  public static boolean isLedger(Storage storage, String directory) {
    return !new LedgerDirectory(storage, directory).files().isEmpty();
  }

  /**
   * Reads a ledger through, tokens and log-probabilities left out.
   *
   * @param samples how many of the best and of the worst to keep
   */
  public static LedgerSummary of(Storage storage, String directory, int samples) {
    SortedMap<Long, Totals> steps = new TreeMap<>();
    Highest best = new Highest(samples, Comparator.comparingDouble(Sample::reward));
    Highest worst = new Highest(samples, Comparator.comparingDouble(Sample::reward).reversed());
    try (LedgerReader reader = LedgerReader.of(storage, directory, COLUMNS)) {
      for (Optional<Cells> next = reader.nextCells(); next.isPresent(); next = reader.nextCells()) {
        Cells row = next.get();
        steps.computeIfAbsent(row.value("step", Kind.INT64), step -> new Totals()).add(row);
        if (LedgerFile.number(row, "reward").isPresent()) {
          Sample sample = sample(row);
          best.offer(sample);
          worst.offer(sample);
        }
      }
    }
    long rows = steps.values().stream().mapToLong(totals -> totals.rows).sum();
    return new LedgerSummary(rows, steps.size(), ranges(steps), best.sorted(), worst.sorted());
  }

  private static Sample sample(Cells row) {
    return new Sample(
        row.value("step", Kind.INT64),
        row.value("prompt_index", Kind.INT64),
        row.value("slot", Kind.INT32),
        row.value("sample", Kind.INT32),
        row.value("prompt", Kind.TEXT),
        row.value("completion", Kind.TEXT),
        row.value("completion_tokens", Kind.INT32),
        LedgerFile.number(row, "reward").orElseThrow());
  }

  private static List<Range> ranges(SortedMap<Long, Totals> byStep) {
    List<Long> steps = List.copyOf(byStep.keySet());
    int count = Math.min(RANGES, steps.size());
    List<Range> ranges = new ArrayList<>();
    for (int range = 0; range < count; range++) {
      List<Long> inRange =
          steps.subList(
              (int) ((long) steps.size() * range / count),
              (int) ((long) steps.size() * (range + 1) / count));
      Totals totals = new Totals();
      inRange.forEach(step -> totals.add(byStep.get(step)));
      ranges.add(totals.range(inRange.get(0), inRange.get(inRange.size() - 1)));
    }
    return ranges;
  }

  private static final class Mean {
    private double sum;
    private long count;

    private void add(OptionalDouble value) {
      if (value.isPresent()) {
        sum += value.getAsDouble();
        count++;
      }
    }

    private void add(Mean other) {
      sum += other.sum;
      count += other.count;
    }

    private OptionalDouble value() {
      return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(sum / count);
    }
  }

  private static final class Totals {
    private long rows;
    private long tokens;
    private long truncated;
    private long dropped;
    private long failures;
    private final Mean reward = new Mean();
    private final SortedMap<String, Mean> rewards = new TreeMap<>();
    private final SortedMap<String, Mean> costs = new TreeMap<>();

    private void add(Cells row) {
      rows++;
      tokens += row.value("completion_tokens", Kind.INT32);
      truncated += row.value("truncated", Kind.BOOLEAN) ? 1 : 0;
      dropped += LedgerFile.number(row, "advantage").isPresent() ? 0 : 1;
      failures += row.find("failure", Kind.TEXT).isPresent() ? 1 : 0;
      reward.add(LedgerFile.number(row, "reward"));
      row.value("rewards", Kind.DOUBLES_BY_NAME)
          .forEach((name, value) -> mean(rewards, name).add(value));
      row.value("costs", Kind.DOUBLES_BY_NAME)
          .forEach((name, value) -> mean(costs, name).add(value));
    }

    private void add(Totals other) {
      rows += other.rows;
      tokens += other.tokens;
      truncated += other.truncated;
      dropped += other.dropped;
      failures += other.failures;
      reward.add(other.reward);
      other.rewards.forEach((name, mean) -> mean(rewards, name).add(mean));
      other.costs.forEach((name, mean) -> mean(costs, name).add(mean));
    }

    private static Mean mean(Map<String, Mean> means, String name) {
      return means.computeIfAbsent(name, any -> new Mean());
    }

    private Range range(long firstStep, long lastStep) {
      return new Range(
          firstStep,
          lastStep,
          rows,
          reward.value(),
          values(rewards),
          values(costs),
          (double) tokens / rows,
          (double) truncated / rows,
          (double) dropped / rows,
          failures);
    }

    private static SortedMap<String, Double> values(SortedMap<String, Mean> means) {
      SortedMap<String, Double> values = new TreeMap<>();
      means.forEach((name, mean) -> mean.value().ifPresent(value -> values.put(name, value)));
      return values;
    }
  }

  /** The few highest of many. */
  private static final class Highest {
    private final int wanted;
    private final Comparator<Sample> order;
    private final PriorityQueue<Sample> kept;

    private Highest(int wanted, Comparator<Sample> byReward) {
      this.wanted = wanted;
      this.order = byReward.thenComparing(LATEST);
      this.kept = new PriorityQueue<>(order);
    }

    private void offer(Sample sample) {
      kept.add(sample);
      if (kept.size() > wanted) {
        kept.remove();
      }
    }

    private List<Sample> sorted() {
      return kept.stream().sorted(order.reversed()).toList();
    }
  }
}
