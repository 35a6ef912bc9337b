package io.plumbline.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.Completion;
import io.plumbline.reward.Reward;
import io.plumbline.reward.RewardFunction;
import io.plumbline.rollout.RolloutRun.Shape;
import io.plumbline.rollout.ledger.LedgerRow;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole GRPO runs of a small model: sampled, scored, kept and learned from. */
class RolloutsTest {
  private static final Set<String> TIMES = Set.of("tokens_per_second", "step_time");

  @TempDir Path directory;

  @Test
  void everyWorldSizeWritesTheSameRollouts() {
    RolloutRun run = new RolloutRun(directory, Shape.everything(), 3);
    List<Map<String, Double>> one = run.train("one", 1, 0, Long.MAX_VALUE).lines();
    for (int ranks : new int[] {2, 4}) {
      String name = "ranks" + ranks;
      List<Map<String, Double>> lines = run.train(name, ranks, 0, Long.MAX_VALUE).lines();

      assertSameRollouts(run.ledger("one"), run.ledger(name));
      assertThat(lines).hasSameSizeAs(one);
      for (int step = 0; step < one.size(); step++) {
        assertClose(one.get(step), lines.get(step), 1e-4);
      }
      assertThat(run.ledger(name).stream().map(LedgerRow::rank).distinct().count())
          .isEqualTo(ranks);
    }
  }

  @Test
  void aRunThatWasKilledGoesOnAsIfNothingHadHappened() {
    RolloutRun run = new RolloutRun(directory, Shape.everything(), 4);
    List<Map<String, Double>> whole = run.train("whole", 2, 0, Long.MAX_VALUE).lines();
    Map<String, float[]> expected = run.weights();

    // Phases have four steps: a state that is due in the midst of one is written at its end.
    List<Map<String, Double>> lines = new ArrayList<>(run.train("killed", 2, 3, 11).lines());
    assertThat(lines.get(lines.size() - 1).get("step")).isEqualTo(11);
    List<Map<String, Double>> rest = run.train("killed", 2, 3, Long.MAX_VALUE).lines();

    assertThat(rest.get(0).get("step")).isEqualTo(9);
    for (Map<String, Double> line : rest) {
      Map<String, Double> same = whole.get(line.get("step").intValue() - 1);
      assertThat(without(TIMES, line)).isEqualTo(without(TIMES, same));
    }
    assertThat(run.weights().keySet()).isEqualTo(expected.keySet());
    run.weights()
        .forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
    assertSameRollouts(run.ledger("whole"), run.ledger("killed"));
    for (int i = 0; i < run.ledger("whole").size(); i++) {
      assertThat(run.ledger("killed").get(i).logps()).isEqualTo(run.ledger("whole").get(i).logps());
    }
  }

  @Test
  void theRatioIsOneOnTheFirstUpdateOfEveryPhase() {
    RolloutRun run = new RolloutRun(directory, Shape.everything(), 3);
    for (Map<String, Double> line : run.train("run", 1, 0, Long.MAX_VALUE).lines()) {
      boolean first = line.get("step") % 4 == 1;
      assertThat(line.containsKey("sampling/importance_sampling_ratio/max")).isEqualTo(first);
      if (first) {
        assertThat(line.get("sampling/importance_sampling_ratio/min")).isCloseTo(1, within(1e-4));
        assertThat(line.get("sampling/importance_sampling_ratio/max")).isCloseTo(1, within(1e-4));
        assertThat(line.get("importance_ratio/min")).isCloseTo(1, within(1e-4));
        assertThat(line.get("importance_ratio/max")).isCloseTo(1, within(1e-4));
        assertThat(line).containsKeys("reward", "objective/kl", "costs/length/mean");
      }
    }
  }

  @Test
  void advantagesCompareACompletionWithItsGroup() {
    RolloutRun run = new RolloutRun(directory, Shape.plain(), 2);
    List<Map<String, Double>> lines = run.train("run", 1, 0, Long.MAX_VALUE).lines();
    List<LedgerRow> rows = run.ledger("run");

    assertThat(rows).hasSize(2 * RolloutRun.PROMPTS_PER_STEP * RolloutRun.GROUP);
    for (int group = 0; group < rows.size() / RolloutRun.GROUP; group++) {
      List<LedgerRow> of = rows.subList(group * RolloutRun.GROUP, (group + 1) * RolloutRun.GROUP);
      assertThat(of.stream().map(LedgerRow::promptIndex).distinct()).hasSize(1);
      double sum = of.stream().mapToDouble(row -> row.advantage().orElseThrow()).sum();
      assertThat(sum).isCloseTo(0, within(1e-9));
      for (LedgerRow row : of) {
        double expected = -0.1 * row.tokens().length;
        assertThat(row.rewards().get("length").orElseThrow()).isCloseTo(expected, within(1e-9));
      }
    }
    double mean =
        rows.subList(0, 16).stream()
            .mapToDouble(row -> row.reward().orElseThrow())
            .average()
            .orElseThrow();
    assertThat(lines.get(0).get("reward")).isCloseTo(mean, within(1e-9));
  }

  @Test
  void furtherUpdatesAreLeftOutOnceThePolicyHasGoneTooFar() {
    Shape far = Shape.everything().withTrustRegion(1e-9);
    List<Map<String, Double>> lines =
        new RolloutRun(directory, far, 3).train("run", 1, 0, Long.MAX_VALUE).lines();

    // The first step of each phase is an update; the second finds that it went too far.
    assertThat(lines.stream().map(line -> line.get("step").intValue()))
        .containsExactly(1, 2, 5, 6, 9, 10);
    assertThat(lines.get(1).get("learning_rate")).isZero();
  }

  /** Throws for completions of one prompt in ten. */
  public static final class Fragile implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) {
      if (completions.stream().anyMatch(of -> of.row().get("answer").equals("7"))) {
        throw new IllegalStateException("no reward for the seventh");
      }
      return completions.stream().map(of -> Reward.of(of.text().length())).toList();
    }
  }

  @Test
  void aRewardThatFailsMarksItsRolloutsAndNoOthers() {
    Shape fragile = Shape.plain().withRewards(List.of(Fragile.class.getName()));
    RolloutRun run = new RolloutRun(directory, fragile, 10);
    List<Map<String, Double>> lines = run.train("run", 2, 0, Long.MAX_VALUE).lines();

    List<LedgerRow> failed =
        run.ledger("run").stream().filter(row -> row.failure().isPresent()).toList();
    assertThat(failed).hasSize(RolloutRun.GROUP).allMatch(row -> row.promptIndex() == 7);
    assertThat(failed).allMatch(row -> row.advantage().orElseThrow() == 0);
    assertThat(lines.stream().mapToDouble(line -> line.get("rewards/failed")).sum())
        .isEqualTo(RolloutRun.GROUP);
  }

  @Test
  void theDistanceFromTheReferenceIsOfAllTokensWhateverIsLearned() {
    RolloutRun run = new RolloutRun(directory, Shape.everything(), 3).masked();
    List<Map<String, Double>> first =
        run.train("run", 1, 0, Long.MAX_VALUE).lines().stream()
            .filter(line -> line.containsKey("objective/kl"))
            .toList();
    assertThat(first).hasSize(3);
    assertThat(first.get(0).get("objective/kl")).isCloseTo(0, within(1e-4));
    for (int phase = 1; phase < first.size(); phase++) {
      long number = phase;
      List<LedgerRow> rows =
          run.ledger("run").stream().filter(row -> row.phase() == number).toList();
      double all = rows.stream().mapToDouble(RolloutsTest::distance).average().orElseThrow();
      double ended =
          rows.stream()
              .mapToDouble(row -> row.truncated() ? 0 : distance(row))
              .average()
              .orElseThrow();
      assertThat(first.get(phase).get("objective/kl")).isCloseTo(all, within(1e-6));
      // What is learned, the completions that were not cut off, has another one.
      assertThat(Math.abs(all - ended)).isGreaterThan(1e-4);
    }
  }

  private static double distance(LedgerRow row) {
    double sum = 0;
    for (int t = 0; t < row.tokens().length; t++) {
      sum += row.logps()[t] - row.referenceLogps().orElseThrow()[t];
    }
    return sum;
  }

  /** A step for each half of the text; the second is better where there is a digit in it. */
  public static final class Halves implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) {
      return completions.stream()
          .map(
              of -> {
                int half = of.text().length() / 2;
                boolean digit = of.text().substring(half).matches("(?s).*[0-9a-e].*");
                return Reward.ofSteps(
                    List.of(
                        new Reward.Step(half, 0.25),
                        new Reward.Step(of.text().length(), digit ? 1 : 0)));
              })
          .toList();
    }
  }

  @Test
  void processRewardsReachTheTokensOfTheirSteps() {
    Shape halves = Shape.plain().withRewards(List.of(Halves.class.getName()));
    RolloutRun run = new RolloutRun(directory, halves, 3);
    run.train("run", 2, 0, Long.MAX_VALUE);

    List<LedgerRow> rows = run.ledger("run");
    assertThat(rows).allMatch(row -> row.tokenAdvantages().isPresent());
    // What comes before a step's end is credited with it, what comes after is not: tokens differ
    // where the first step, which is worth 0.25, is not as good as the mean of the group's steps.
    Map<Long, List<LedgerRow>> groups =
        rows.stream().collect(Collectors.groupingBy(row -> 1000L * row.step() + row.slot()));
    assertThat(groups).hasSizeGreaterThan(1);
    for (List<LedgerRow> group : groups.values()) {
      double mean =
          group.stream().mapToDouble(row -> row.reward().orElseThrow()).average().orElseThrow();
      for (LedgerRow row : group) {
        double[] tokens = row.tokenAdvantages().orElseThrow();
        assertThat(Math.signum(tokens[0] - tokens[tokens.length - 1]))
            .isEqualTo(Math.abs(0.25 - mean) < 1e-9 ? 0 : Math.signum(0.25 - mean));
      }
    }
  }

  /** Never gives a number. */
  public static final class Nan implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) {
      return completions.stream().map(of -> Reward.of(Double.NaN)).toList();
    }
  }

  @Test
  void tooManyFailuresEndTheRunAndSayWhy() {
    Shape nan = Shape.plain().withRewards(List.of(Nan.class.getName()));
    RolloutRun run = new RolloutRun(directory, nan, 2);

    assertThatThrownBy(() -> run.train("run", 1, 0, Long.MAX_VALUE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.REWARD_FAILED))
        .hasMessageContaining("16 of 16 rollouts")
        .hasMessageContaining("fix the function")
        .hasMessageNotContaining("the option");
    assertThat(run.ledger("run")).hasSize(16).allMatch(row -> row.failure().isPresent());
  }

  private static void assertSameRollouts(List<LedgerRow> expected, List<LedgerRow> actual) {
    assertThat(actual).hasSameSizeAs(expected);
    Set<List<Object>> places = new HashSet<>();
    for (int i = 0; i < expected.size(); i++) {
      LedgerRow a = expected.get(i);
      LedgerRow b = actual.get(i);
      assertThat(places.add(List.of(a.step(), a.slot(), a.sample()))).isTrue();
      assertThat(b.step()).isEqualTo(a.step());
      assertThat(b.slot()).isEqualTo(a.slot());
      assertThat(b.sample()).isEqualTo(a.sample());
      assertThat(b.promptIndex()).isEqualTo(a.promptIndex());
      assertThat(b.tokens()).isEqualTo(a.tokens());
      assertThat(b.completion()).isEqualTo(a.completion());
      assertThat(b.rewards()).isEqualTo(a.rewards());
      assertThat(b.advantage().isPresent()).isEqualTo(a.advantage().isPresent());
      assertThat(b.advantage().orElse(0)).isCloseTo(a.advantage().orElse(0), within(1e-3));
    }
  }

  private static void assertClose(
      Map<String, Double> expected, Map<String, Double> actual, double tolerance) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, value) -> {
          if (!TIMES.contains(name)) {
            assertThat(actual.get(name))
                .as(name)
                .isCloseTo(value, within(tolerance * Math.max(1, Math.abs(value))));
          }
        });
  }

  private static Map<String, Double> without(Set<String> names, Map<String, Double> line) {
    Map<String, Double> rest = new LinkedHashMap<>(line);
    rest.keySet().removeAll(names);
    return rest;
  }
}
