package io.plumbline.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.reward.Completion;
import io.plumbline.reward.Reward;
import io.plumbline.reward.RewardFunction;
import io.plumbline.rollout.RolloutRun.Critic;
import io.plumbline.rollout.RolloutRun.Shape;
import io.plumbline.rollout.ledger.LedgerRow;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole PPO runs of a small model. */
class PpoTest {
  private static final Set<String> TIMES = Set.of("tokens_per_second", "step_time");

  @TempDir Path directory;

  private RolloutRun run(Shape shape, long phases, Critic critic) {
    return new RolloutRun(directory, shape, phases).with(critic);
  }

  @ParameterizedTest
  @EnumSource(Critic.class)
  void everyWorldSizeLearnsTheSame(Critic critic) {
    // Rounding draws another token sooner or later; not in the first phase.
    RolloutRun run = run(Shape.withoutGroups(), 1, critic);
    List<Map<String, Double>> one = run.train("one", 1, 0, Long.MAX_VALUE).lines();
    assertThat(one).hasSize(4);
    for (int ranks : new int[] {2, 4}) {
      String name = "ranks" + ranks;
      List<Map<String, Double>> lines = run.train(name, ranks, 0, Long.MAX_VALUE).lines();

      assertThat(lines).hasSameSizeAs(one);
      for (int step = 0; step < one.size(); step++) {
        assertClose(one.get(step), lines.get(step), 1e-4);
      }
      List<LedgerRow> rows = run.ledger(name);
      assertThat(rows).hasSameSizeAs(run.ledger("one"));
      for (int i = 0; i < rows.size(); i++) {
        assertThat(rows.get(i).tokens()).isEqualTo(run.ledger("one").get(i).tokens());
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Critic.class)
  void aRunThatWasKilledGoesOnAsIfNothingHadHappened(Critic critic) {
    RolloutRun run = run(Shape.withoutGroups(), 3, critic);
    List<Map<String, Double>> whole = run.train("whole", 2, 0, Long.MAX_VALUE).lines();
    Map<String, float[]> expected = run.weights();

    run.train("killed", 2, 3, 11);
    List<Map<String, Double>> rest = run.train("killed", 2, 3, Long.MAX_VALUE).lines();

    assertThat(rest.get(0).get("step")).isEqualTo(9);
    for (Map<String, Double> line : rest) {
      Map<String, Double> same = whole.get(line.get("step").intValue() - 1);
      assertThat(without(line)).isEqualTo(without(same));
    }
    assertThat(run.weights().keySet()).isEqualTo(expected.keySet());
    run.weights()
        .forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
    assertThat(expected.keySet()).anyMatch(name -> name.startsWith("critic "));
  }

  @Test
  void theFirstUpdateOfAPhaseBeginsAtTheSamplersPolicyAndTheCriticsOwnValues() {
    for (Map<String, Double> line :
        run(Shape.withoutGroups(), 2, Critic.OWN).train("run", 1, 0, Long.MAX_VALUE).lines()) {
      if (line.get("step") % 4 == 1) {
        assertThat(line.get("val/ratio")).isCloseTo(1, within(1e-4));
        assertThat(line.get("val/ratio_var")).isCloseTo(0, within(1e-4));
        assertThat(line.get("policy/approxkl_avg")).isCloseTo(0, within(1e-6));
        assertThat(line.get("policy/clipfrac_avg")).isZero();
        assertThat(line.get("val/clipfrac_avg")).isZero();
        assertThat(line)
            .containsKeys(
                "objective/scores",
                "objective/kl",
                "objective/non_score_reward",
                "objective/rlhf_reward",
                "objective/entropy",
                "val/num_eos_tokens",
                "episode",
                "costs/length/mean");
        assertThat(line.get("objective/rlhf_reward"))
            .isCloseTo(
                line.get("objective/scores") + line.get("objective/non_score_reward"),
                within(1e-12));
      }
    }
  }

  @Test
  void advantagesAreWhiteOverThePhase() {
    RolloutRun run = run(Shape.withoutGroups(), 1, Critic.OWN);
    run.train("run", 2, 0, Long.MAX_VALUE);
    double[] all =
        run.ledger("run").stream()
            .flatMapToDouble(row -> Arrays.stream(row.tokenAdvantages().orElseThrow()))
            .toArray();
    double mean = Arrays.stream(all).average().orElseThrow();
    double variance = Arrays.stream(all).map(a -> (a - mean) * (a - mean)).sum() / (all.length - 1);
    assertThat(mean).isCloseTo(0, within(1e-9));
    assertThat(variance).isCloseTo(1, within(1e-6));
  }

  @Test
  void theCriticLearnsWhatToExpect() {
    List<Map<String, Double>> lines =
        run(Shape.plain(), 40, Critic.OWN).train("run", 1, 0, Long.MAX_VALUE).lines();
    assertThat(mean(lines.subList(30, 40), "loss/value_avg"))
        .isLessThan(0.5 * mean(lines.subList(0, 5), "loss/value_avg"));
  }

  @Test
  void furtherUpdatesAreLeftOutOnceThePolicyHasGoneTooFar() {
    List<Map<String, Double>> lines =
        run(Shape.withoutGroups().withTrustRegion(1e-9), 2, Critic.OWN)
            .train("run", 1, 0, Long.MAX_VALUE)
            .lines();
    assertThat(lines.stream().map(line -> line.get("step").intValue())).containsExactly(1, 2, 5, 6);
    assertThat(lines.get(1).get("learning_rate")).isZero();
  }

  /** A step for each half of the text. */
  public static final class Halves implements RewardFunction {
    @Override
    public List<Reward> score(List<Completion> completions) {
      return completions.stream()
          .map(
              of -> {
                int half = of.text().length() / 2;
                return Reward.ofSteps(
                    List.of(new Reward.Step(half, 50), new Reward.Step(of.text().length(), -50)));
              })
          .toList();
    }
  }

  @Test
  void processRewardsReachTheTokensUpToTheirSteps() {
    Shape halves = Shape.plain().withRewards(List.of(Halves.class.getName()));
    RolloutRun run = run(halves, 1, Critic.OWN);
    run.train("run", 2, 0, Long.MAX_VALUE);

    // A whole completion earns 0: what makes its first tokens good comes before its end.
    List<double[]> whole =
        run.ledger("run").stream()
            .filter(row -> row.tokens().length > 3 && row.completion().length() > 3)
            .map(row -> row.tokenAdvantages().orElseThrow())
            .toList();
    assertThat(whole).isNotEmpty().allMatch(of -> of[0] > of[of.length - 1]);
  }

  @Test
  void nothingIsLearnedFromACompletionWithoutAReward() {
    Shape fragile = Shape.plain().withRewards(List.of(RolloutsTest.Fragile.class.getName()));
    RolloutRun run = run(fragile, 10, Critic.OWN);
    List<Map<String, Double>> lines = run.train("run", 2, 0, Long.MAX_VALUE).lines();

    List<LedgerRow> failed =
        run.ledger("run").stream().filter(row -> row.failure().isPresent()).toList();
    assertThat(failed).hasSize(RolloutRun.GROUP).allMatch(row -> row.promptIndex() == 7);
    assertThat(failed)
        .allMatch(row -> Arrays.stream(row.tokenAdvantages().orElseThrow()).allMatch(a -> a == 0));
    assertThat(lines).allMatch(line -> Double.isFinite(line.get("loss")));
  }

  private static double mean(List<Map<String, Double>> lines, String name) {
    return lines.stream().mapToDouble(line -> line.get(name)).average().orElseThrow();
  }

  private static Map<String, Double> without(Map<String, Double> line) {
    Map<String, Double> copy = new LinkedHashMap<>(line);
    copy.keySet().removeAll(TIMES);
    return copy;
  }

  private static void assertClose(
      Map<String, Double> expected, Map<String, Double> actual, double tolerance) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    List<String> wrong = new ArrayList<>();
    expected.forEach(
        (name, value) -> {
          double difference = Math.abs(actual.get(name) - value);
          if (!TIMES.contains(name) && !(difference <= tolerance * Math.max(1, Math.abs(value)))) {
            wrong.add(name + ": " + value + " and " + actual.get(name));
          }
        });
    assertThat(wrong).isEmpty();
  }
}
