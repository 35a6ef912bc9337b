package io.plumbline.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.advantage.Advantages.Aggregation;
import io.plumbline.advantage.Advantages.Baseline;
import io.plumbline.advantage.Advantages.Scale;
import io.plumbline.advantage.Advantages.Settings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** What holds for the advantages of every batch. */
class AdvantagesPropertiesTest {
  private static final double[] WEIGHTS = {1, -0.25};

  private record Batch(double[][] scores, int groupSize) {
    int groups() {
      return scores.length / groupSize;
    }

    Batch copy() {
      return new Batch(
          Arrays.stream(scores).map(double[]::clone).toArray(double[][]::new), groupSize);
    }

    Advantages advantages(Settings settings) {
      return Advantages.of(scores, WEIGHTS, groupSize, settings);
    }
  }

  @Provide
  Arbitrary<Settings> settings() {
    return Arbitraries.of(
        Settings.defaults(),
        new Settings(Scale.BATCH, Aggregation.SUM_THEN_NORMALIZE, Baseline.GROUP_MEAN),
        new Settings(Scale.NONE, Aggregation.SUM_THEN_NORMALIZE, Baseline.GROUP_MEAN),
        new Settings(Scale.GROUP, Aggregation.NORMALIZE_THEN_SUM, Baseline.GROUP_MEAN),
        new Settings(Scale.NONE, Aggregation.SUM_THEN_NORMALIZE, Baseline.LEAVE_ONE_OUT),
        new Settings(Scale.BATCH, Aggregation.SUM_THEN_NORMALIZE, Baseline.LEAVE_ONE_OUT));
  }

  /** Those that compare the rewards themselves. */
  @Provide
  Arbitrary<Settings> ofSums() {
    return settings().filter(of -> of.aggregation() == Aggregation.SUM_THEN_NORMALIZE);
  }

  /** Those that do not look beyond the group. */
  @Provide
  Arbitrary<Settings> ofGroups() {
    return Arbitraries.of(
        Settings.defaults(),
        new Settings(Scale.NONE, Aggregation.SUM_THEN_NORMALIZE, Baseline.GROUP_MEAN),
        new Settings(Scale.NONE, Aggregation.SUM_THEN_NORMALIZE, Baseline.LEAVE_ONE_OUT));
  }

  /** Also equal scores, and functions that have nothing to say. */
  @Provide
  Arbitrary<Batch> batches() {
    return batches(
        Arbitraries.frequencyOf(
            Tuple.of(3, Arbitraries.doubles().between(-2, 2)),
            Tuple.of(2, Arbitraries.of(0.0, 1.0)),
            Tuple.of(1, Arbitraries.just(Double.NaN))));
  }

  @Provide
  Arbitrary<Batch> knownBatches() {
    return batches(Arbitraries.doubles().between(-2, 2));
  }

  private static Arbitrary<Batch> batches(Arbitrary<Double> scores) {
    return Combinators.combine(
            Arbitraries.integers().between(1, 4), Arbitraries.integers().between(2, 5))
        .flatAs(
            (groups, size) ->
                scores
                    .array(double[].class)
                    .ofSize(WEIGHTS.length)
                    .array(double[][].class)
                    .ofSize(groups * size)
                    .map(rows -> new Batch(rows, size)));
  }

  @Property
  void theySumToZeroInEveryGroup(
      @ForAll("batches") Batch batch, @ForAll("settings") Settings settings) {
    double[] advantages = batch.advantages(settings).advantages();
    for (int g = 0; g < batch.groups(); g++) {
      assertThat(sum(advantages, g, batch.groupSize())).isCloseTo(0, within(1e-8));
    }
  }

  @Property
  void theyDoNotDependOnTheOrderOfGroups(
      @ForAll("batches") Batch batch,
      @ForAll("settings") Settings settings,
      @ForAll Random random) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, batch.groups()).boxed().toList());
    Collections.shuffle(order, random);
    int size = batch.groupSize();
    double[][] shuffled = new double[batch.scores().length][];
    for (int i = 0; i < shuffled.length; i++) {
      shuffled[i] = batch.scores()[order.get(i / size) * size + i % size];
    }
    double[] expected = batch.advantages(settings).advantages();
    double[] actual = new Batch(shuffled, size).advantages(settings).advantages();
    for (int i = 0; i < shuffled.length; i++) {
      assertThat(actual[i])
          .isCloseTo(expected[order.get(i / size) * size + i % size], within(1e-8));
    }
  }

  @Property
  void aConstantChangesNothing(
      @ForAll("knownBatches") Batch batch,
      @ForAll("settings") Settings settings,
      @ForAll @DoubleRange(min = -10, max = 10) double constant) {
    Batch moved = batch.copy();
    for (double[] scores : moved.scores()) {
      scores[0] += constant;
    }
    close(moved.advantages(settings).advantages(), batch.advantages(settings).advantages(), 1e-8);
  }

  @Property
  void equalScoresTeachNothing(
      @ForAll("batches") Batch batch,
      @ForAll("settings") Settings settings,
      @ForAll @DoubleRange(min = -1e6, max = 1e6) double score) {
    for (int i = 0; i < batch.groupSize(); i++) {
      Arrays.fill(batch.scores()[i], score);
    }
    Advantages advantages = batch.advantages(settings);
    assertThat(Arrays.copyOf(advantages.advantages(), batch.groupSize())).containsOnly(0);
    assertThat(advantages.groupDeviations()[0]).isZero();
    assertThat(advantages.teaches(0)).isFalse();
  }

  @Property
  void theBetterRewardHasTheGreaterAdvantage(
      @ForAll("batches") Batch batch, @ForAll("ofSums") Settings settings) {
    Advantages advantages = batch.advantages(settings);
    for (int i = 1; i < batch.scores().length; i++) {
      if (i % batch.groupSize() != 0
          && advantages.rewards()[i] > advantages.rewards()[i - 1] + 1e-6) {
        assertThat(advantages.advantages()[i]).isGreaterThan(advantages.advantages()[i - 1]);
      }
    }
  }

  /** Without it, its group's others have the advantages of a smaller group. */
  @Property
  void anUnscorableCompletionIsAsIfItWereNotThere(
      @ForAll("batches") Batch batch, @ForAll("settings") Settings settings) {
    int size = batch.groupSize();
    Batch without = new Batch(Arrays.copyOf(batch.scores(), size), size).copy();
    double[][] withOne = Arrays.copyOf(without.copy().scores(), size + 1);
    withOne[size] = new double[] {Double.NaN, Double.NaN};

    Advantages actual = new Batch(withOne, size + 1).advantages(settings);

    double[] expected = without.advantages(settings).advantages();
    close(Arrays.copyOf(actual.advantages(), size), expected, 0);
    assertThat(actual.advantages()[size]).isZero();
    assertThat(actual.unscorable()[size]).isTrue();
    assertThat(actual.rewards()[size]).isNaN();
  }

  @Property
  void anUnscorableCompletionChangesNoOtherGroup(
      @ForAll("batches") Batch batch,
      @ForAll("ofGroups") Settings settings,
      @ForAll @IntRange(max = 19) int place) {
    int at = place % batch.scores().length;
    Batch marred = batch.copy();
    Arrays.fill(marred.scores()[at], Double.NaN);
    double[] expected = batch.advantages(settings).advantages();
    double[] actual = marred.advantages(settings).advantages();
    for (int i = 0; i < actual.length; i++) {
      if (i / batch.groupSize() != at / batch.groupSize()) {
        assertThat(actual[i]).isEqualTo(expected[i]);
      }
    }
  }

  /** Where the batch divides, that divisor is all that changes for other groups. */
  @Property
  void anUnscorableCompletionRescalesOtherGroupsAlike(
      @ForAll("batches") Batch batch,
      @ForAll("settings") Settings settings,
      @ForAll @IntRange(max = 19) int place) {
    int at = place % batch.scores().length;
    Batch marred = batch.copy();
    Arrays.fill(marred.scores()[at], Double.NaN);
    double[] expected = batch.advantages(settings).advantages();
    double[] actual = marred.advantages(settings).advantages();
    int[] others =
        IntStream.range(0, actual.length)
            .filter(i -> i / batch.groupSize() != at / batch.groupSize())
            .toArray();
    for (int i : others) {
      for (int j : others) {
        double scale = 1 + Math.abs(actual[i] * expected[j]);
        assertThat(actual[i] * expected[j])
            .isCloseTo(actual[j] * expected[i], within(1e-8 * scale));
      }
    }
  }

  private static double sum(double[] values, int group, int groupSize) {
    return Arrays.stream(values, group * groupSize, (group + 1) * groupSize).sum();
  }

  private static void close(double[] actual, double[] expected, double tolerance) {
    assertThat(actual).containsExactly(expected, within(tolerance));
  }
}
