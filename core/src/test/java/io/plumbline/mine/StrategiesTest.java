package io.plumbline.mine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class StrategiesTest {
  private static List<Candidate> candidates(double... rewards) {
    return IntStream.range(0, rewards.length).mapToObj(i -> new Candidate(i, rewards[i])).toList();
  }

  private static List<String> pairs(Selection selection) {
    return selection.choices().stream()
        .map(c -> c.chosen().sample() + ">" + c.rejected().orElseThrow().sample())
        .toList();
  }

  private static List<Integer> samples(Selection selection) {
    return selection.choices().stream().map(c -> c.chosen().sample()).toList();
  }

  /** Few different rewards, so that some are equal. */
  @Provide
  Arbitrary<List<Candidate>> someCandidates() {
    return Arbitraries.of(-2.0, -0.5, 0.0, 0.25, 1.0, 1.5)
        .list()
        .ofMinSize(2)
        .ofMaxSize(9)
        .map(rewards -> candidates(rewards.stream().mapToDouble(r -> r).toArray()));
  }

  @Property
  void pairsAreOfTheMarginAndShareNoCompletion(
      @ForAll("someCandidates") List<Candidate> candidates,
      @ForAll @DoubleRange(min = 0, max = 2) double margin,
      @ForAll @IntRange(min = 1, max = 5) int most) {
    for (Strategy strategy :
        List.of(new BestAgainstWorst(margin, most), new HardNegatives(margin, most))) {
      Selection selection = strategy.select(candidates, 3);

      assertThat(selection.choices()).hasSizeLessThanOrEqualTo(most);
      assertThat(selection.choices())
          .allSatisfy(
              choice -> {
                assertThat(choice.chosen().reward())
                    .isGreaterThan(choice.rejected().orElseThrow().reward());
                assertThat(choice.margin()).isGreaterThanOrEqualTo(margin);
              });
      List<Candidate> used =
          selection.choices().stream()
              .flatMap(choice -> Stream.of(choice.chosen(), choice.rejected().orElseThrow()))
              .toList();
      assertThat(used).doesNotHaveDuplicates();
      double widest =
          candidates.stream().mapToDouble(Candidate::reward).max().orElseThrow()
              - candidates.stream().mapToDouble(Candidate::reward).min().orElseThrow();
      Optional<Skip> why =
          widest == 0
              ? Optional.of(Skip.EQUAL_REWARDS)
              : widest < margin ? Optional.of(Skip.BELOW_MARGIN) : Optional.empty();
      assertThat(selection.skip()).isEqualTo(why);
    }
  }

  @Property
  void theFirstPairIsTheWidestOrTheNarrowestOfAll(
      @ForAll("someCandidates") List<Candidate> candidates) {
    List<Double> gaps = new ArrayList<>();
    for (Candidate a : candidates) {
      for (Candidate b : candidates) {
        if (a.reward() > b.reward()) {
          gaps.add(a.reward() - b.reward());
        }
      }
    }
    gaps.sort(null);

    List<Choice> widest = new BestAgainstWorst(0, 1).select(candidates, 0).choices();
    List<Choice> narrowest = new HardNegatives(0, 1).select(candidates, 0).choices();

    assertThat(widest.stream().map(Choice::margin))
        .isEqualTo(gaps.isEmpty() ? List.of() : gaps.subList(gaps.size() - 1, gaps.size()));
    assertThat(narrowest.stream().map(Choice::margin))
        .isEqualTo(gaps.isEmpty() ? List.of() : gaps.subList(0, 1));
  }

  @Test
  void pairsGoFromTheOutsideInOrFromTheHardestOn() {
    List<Candidate> five = candidates(0.0, 3.0, 1.0, 2.5, 0.4);

    assertThat(pairs(new BestAgainstWorst(0, 9).select(five, 0))).containsExactly("1>0", "3>4");
    assertThat(pairs(new BestAgainstWorst(2.5, 9).select(five, 0))).containsExactly("1>0");
    assertThat(pairs(new HardNegatives(0, 9).select(five, 0))).containsExactly("4>0", "1>3");
    // 4 from 0 lies at 0.4 and 1 from 3 at 0.5; from 0.55 on, 2 from 4 is nearest.
    assertThat(pairs(new HardNegatives(0.55, 9).select(five, 0))).containsExactly("2>4", "3>0");
  }

  @Test
  void equalRewardsGoByTheEarlierSample() {
    List<Candidate> right = candidates(0, 1, 1, 0);

    assertThat(pairs(new BestAgainstWorst(0, 9).select(right, 0))).containsExactly("1>0", "2>3");
    assertThat(pairs(new HardNegatives(0, 9).select(right, 0))).containsExactly("1>0", "2>3");
    assertThat(samples(new BestOf(1, 1).select(right, 0))).containsExactly(1);
  }

  @Property
  void theBestAreThoseOfHighestRewardAtTheThreshold(
      @ForAll("someCandidates") List<Candidate> candidates,
      @ForAll @DoubleRange(min = -3, max = 2) double threshold,
      @ForAll @IntRange(min = 1, max = 12) int most) {
    Selection selection = new BestOf(threshold, most).select(candidates, 0);

    List<Double> expected =
        candidates.stream()
            .map(Candidate::reward)
            .filter(reward -> reward >= threshold)
            .sorted((a, b) -> Double.compare(b, a))
            .limit(most)
            .toList();
    assertThat(selection.choices().stream().map(c -> c.chosen().reward())).isEqualTo(expected);
    assertThat(selection.skip())
        .isEqualTo(expected.isEmpty() ? Optional.of(Skip.BELOW_THRESHOLD) : Optional.empty());
  }

  @Property
  void statisticalRejectionTakesSoManyDifferentOnesAndTheSameAgain(
      @ForAll("someCandidates") List<Candidate> candidates,
      @ForAll @DoubleRange(min = 0.01, max = 10) double beta,
      @ForAll @IntRange(min = 1, max = 12) int most,
      @ForAll @LongRange(min = 0, max = 1000) long prompt) {
    StatisticalRejection strategy =
        new StatisticalRejection(beta, Double.NEGATIVE_INFINITY, most, 7);

    Selection selection = strategy.select(candidates, prompt);

    assertThat(selection.choices()).hasSize(Math.min(most, candidates.size()));
    assertThat(samples(selection)).doesNotHaveDuplicates();
    assertThat(strategy.select(candidates, prompt)).isEqualTo(selection);
  }

  /** Of rewards 0 and 1 the first is looked at first, and taken with probability exp(-1/β). */
  @Test
  void acceptanceIsThatOfTheAlgorithm() {
    int prompts = 20_000;
    for (double beta : List.of(0.5, 1.0, 4.0)) {
      StatisticalRejection strategy = new StatisticalRejection(beta, -1, 1, 11);
      long worse =
          IntStream.range(0, prompts)
              .filter(p -> samples(strategy.select(candidates(0, 1), p)).equals(List.of(0)))
              .count();

      double expected = Math.exp(-1 / beta);
      double error = 4 * Math.sqrt(expected * (1 - expected) / prompts);
      assertThat(worse / (double) prompts).isCloseTo(expected, within(error));
    }
  }

  @Test
  void aSmallBetaTakesTheBestAndAnotherSeedOthers() {
    List<Candidate> some = candidates(0, 3, 1, 2);
    StatisticalRejection greedy = new StatisticalRejection(1e-3, 0.5, 9, 1);

    assertThat(samples(greedy.select(some, 4))).containsExactly(1, 3, 2);
    List<List<Integer>> bySeed =
        IntStream.range(0, 8)
            .mapToObj(seed -> samples(new StatisticalRejection(5, -1, 2, seed).select(some, 4)))
            .distinct()
            .toList();
    assertThat(bySeed).hasSizeGreaterThan(1);
    assertThat(new StatisticalRejection(1, 9, 1, 1).select(some, 0).skip())
        .contains(Skip.BELOW_THRESHOLD);
  }

  @Test
  void valuesThatMakeNoSenseAreRefused() {
    assertThatThrownBy(() -> new BestAgainstWorst(-1, 1))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("margin must be 0 or a positive number, not -1.0");
    assertThatThrownBy(() -> new HardNegatives(0, 0)).hasMessageContaining("pairs-per-prompt");
    assertThatThrownBy(() -> new BestOf(0, 0)).hasMessageContaining("rows-per-prompt");
    assertThatThrownBy(() -> new StatisticalRejection(0, 0, 1, 1)).hasMessageContaining("beta");
  }
}
