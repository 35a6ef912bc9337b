package io.plumbline.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.objective.pair.Divergence;
import io.plumbline.objective.pair.LogRatioObjective;
import io.plumbline.objective.pair.PairLogps;
import io.plumbline.objective.pair.PairLoss;
import io.plumbline.objective.pair.PreferenceObjective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.DoubleRange;

/** What holds for every objective at every point. */
class ObjectivePropertiesTest {
  private static final int PAIRS = 5;
  private static final double STEP = 1e-6;

  /** Far apart, equal, and what a float32 rounds a certain completion to. */
  private static final double[] EXTREMES = {0, -1e-9, -0.7, -120, -1e4};

  /** A likelihood is not a ratio, and aot sorts policy and reference apart. */
  @Provide
  Arbitrary<Objectives.Named> ofLogRatios() {
    return Arbitraries.of(
        Objectives.withReference().stream()
            .filter(o -> o.objective().needsReference())
            .filter(o -> !Set.of("aot", "mix").contains(o.type()))
            .toList());
  }

  /** Not those of means over tokens or of other divergences, where a constant does not cancel. */
  @Provide
  Arbitrary<Objectives.Named> ofDifferences() {
    return Arbitraries.of(
        Objectives.withReference().stream()
            .filter(o -> o.type().equals("aot") || isOfSummedLogRatios(o.objective()))
            .toList());
  }

  private static boolean isOfSummedLogRatios(PreferenceObjective objective) {
    return objective instanceof LogRatioObjective ofDifference
        && ofDifference.lengths() == Lengths.SUMMED
        && ofDifference.divergence() instanceof Divergence.ReverseKl;
  }

  @Provide
  Arbitrary<Objectives.Named> all() {
    return Arbitraries.of(
        Stream.concat(Objectives.withReference().stream(), Objectives.withoutReference().stream())
            .toList());
  }

  /** Not the one whose shift is taken as a constant. */
  @Provide
  Arbitrary<Objectives.Named> differentiated() {
    return all().filter(objective -> !objective.type().equals("bco_pair_shifted"));
  }

  @Property(tries = 4000)
  void derivativesAreFiniteDifferences(
      @ForAll("differentiated") Objectives.Named objective, @ForAll long seed) {
    List<PairLogps> batch = Objectives.pairs(seed, PAIRS);
    List<PairLoss> losses = objective.objective().losses(batch);
    for (int i = 0; i < PAIRS; i++) {
      PairLoss loss = losses.get(i);
      checkSlope(objective, batch, i, STEP, 0, 0, loss.byChosen());
      checkSlope(objective, batch, i, 0, STEP, 0, loss.byRejected());
      if (batch.get(i).promptTokens() > 0) {
        checkSlope(objective, batch, i, 0, 0, STEP, loss.byPrompt());
      } else {
        assertThat(loss.byPrompt()).isZero();
      }
    }
  }

  private static void checkSlope(
      Objectives.Named objective,
      List<PairLogps> batch,
      int i,
      double chosen,
      double rejected,
      double prompt,
      double slope) {
    double here = sum(objective, batch);
    double right = sum(objective, movedAt(batch, i, chosen, rejected, prompt));
    double left = sum(objective, movedAt(batch, i, -chosen, -rejected, -prompt));
    // At a kink any slope between the left one and the right one will do.
    double kink = Math.abs(right - here - (here - left)) / STEP;
    assertThat(slope)
        .as("%s, pair %d", objective, i)
        .isCloseTo(
            (right - left) / (2 * STEP),
            within(1e-6 * (1 + Math.abs(slope)) + kink + 8 * Math.ulp(here) / STEP));
  }

  private static double sum(Objectives.Named objective, List<PairLogps> batch) {
    return objective.objective().losses(batch).stream().mapToDouble(PairLoss::loss).sum();
  }

  private static List<PairLogps> movedAt(
      List<PairLogps> batch, int i, double chosen, double rejected, double prompt) {
    List<PairLogps> moved = new ArrayList<>(batch);
    moved.set(i, Objectives.moved(batch.get(i), chosen, rejected, prompt));
    return moved;
  }

  @Property(tries = 1000)
  void theOrderOfPairsDoesNotMatter(@ForAll("all") Objectives.Named objective, @ForAll long seed) {
    List<PairLogps> batch = Objectives.pairs(seed, PAIRS);
    List<Integer> order = new ArrayList<>(List.of(0, 1, 2, 3, 4));
    Collections.shuffle(order, new Random(seed));

    List<PairLoss> losses = objective.objective().losses(batch);
    List<PairLoss> shuffled = objective.objective().losses(order.stream().map(batch::get).toList());

    assertThat(shuffled).isEqualTo(order.stream().map(losses::get).toList());
  }

  @Property(tries = 1000)
  void onlyLogRatiosMatterWhereThereIsAReference(
      @ForAll("ofLogRatios") Objectives.Named objective,
      @ForAll long seed,
      @ForAll @DoubleRange(min = -5, max = 5) double chosen,
      @ForAll @DoubleRange(min = -5, max = 5) double rejected) {
    List<PairLogps> batch = Objectives.pairs(seed, PAIRS);
    List<PairLogps> moved =
        batch.stream()
            .map(pair -> Objectives.moved(pair, chosen, rejected, 0))
            .map(pair -> Objectives.referenceMoved(pair, chosen, rejected))
            .toList();

    checkSameLosses(objective, batch, moved);
  }

  /** A constant in the log-ratios of a prompt's completions, such as its partition function. */
  @Property(tries = 1000)
  void differencesDoNotSeeWhatBothSidesShare(
      @ForAll("ofDifferences") Objectives.Named objective,
      @ForAll long seed,
      @ForAll @DoubleRange(min = -5, max = 5) double shift) {
    List<PairLogps> batch = Objectives.pairs(seed, PAIRS);

    checkSameLosses(
        objective,
        batch,
        batch.stream().map(pair -> Objectives.moved(pair, shift, shift, 0)).toList());
  }

  private static void checkSameLosses(
      Objectives.Named objective, List<PairLogps> expected, List<PairLogps> actual) {
    List<PairLoss> these = objective.objective().losses(expected);
    List<PairLoss> those = objective.objective().losses(actual);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(those.get(i).loss())
          .as(objective.toString())
          .isCloseTo(
              these.get(i).loss(), within(1e-9 * Math.max(1, Math.abs(these.get(i).loss()))));
    }
  }

  @Property(tries = 500)
  void referenceAndMarginAreReadOnlyWhereTheyAreSaidToBe(
      @ForAll("all") Objectives.Named objective, @ForAll long seed) {
    List<PairLogps> batch = Objectives.pairs(seed, PAIRS);
    List<PairLoss> losses = objective.objective().losses(batch);
    if (!objective.objective().needsReference()) {
      assertThat(objective.objective().losses(otherReference(batch))).isEqualTo(losses);
    }
    if (!objective.objective().needsMargin()) {
      assertThat(objective.objective().losses(batch.stream().map(this::withoutMargin).toList()))
          .isEqualTo(losses);
    }
  }

  @Example
  void aReferenceSaidToBeNeededIsRead() {
    List<PairLogps> batch = Objectives.pairs(7, 50);
    for (Objectives.Named objective : Objectives.withReference()) {
      if (objective.objective().needsReference()) {
        assertThat(objective.objective().losses(otherReference(batch)))
            .as(objective.toString())
            .isNotEqualTo(objective.objective().losses(batch));
      }
    }
  }

  private static List<PairLogps> otherReference(List<PairLogps> batch) {
    return batch.stream().map(pair -> Objectives.referenceMoved(pair, 0.5, -0.3)).toList();
  }

  private PairLogps withoutMargin(PairLogps pair) {
    return new PairLogps(
        pair.policyChosen(),
        pair.policyRejected(),
        pair.referenceChosen(),
        pair.referenceRejected(),
        pair.chosenTokens(),
        pair.rejectedTokens(),
        pair.policyPrompt(),
        pair.promptTokens(),
        pair.meanChosenTokens(),
        Double.NaN);
  }

  @Example
  void extremesStayFinite() {
    List<Objectives.Named> finite =
        Stream.concat(
                Objectives.withReference().stream()
                    // 1 − e^(10⁴) is not a double.
                    .filter(objective -> !objective.variant().startsWith("forward_kl")),
                Objectives.withoutReference().stream()
                    // Nor are powers of a probability of e^(−10⁴).
                    .filter(
                        objective ->
                            objective.variant().contains("alpha 0.0")
                                || objective.type().equals("orpo")))
            .toList();
    List<PairLogps> pairs = new ArrayList<>();
    for (double chosen : EXTREMES) {
      for (double rejected : EXTREMES) {
        for (double referenceChosen : EXTREMES) {
          for (double referenceRejected : EXTREMES) {
            pairs.add(
                new PairLogps(
                    chosen, rejected, referenceChosen, referenceRejected, 1, 3, 0, 0, 2, 1e4));
          }
        }
      }
    }
    for (Objectives.Named objective : finite) {
      List<PairLoss> losses = objective.objective().losses(pairs);
      for (int i = 0; i < losses.size(); i++) {
        PairLoss loss = losses.get(i);
        assertThat(new double[] {loss.loss(), loss.byChosen(), loss.byRejected(), loss.byPrompt()})
            .as("%s of %s", objective, pairs.get(i))
            .matches(values -> Arrays.stream(values).allMatch(Double::isFinite));
      }
    }
    assertThat(finite).hasSizeGreaterThan(60);
  }
}
