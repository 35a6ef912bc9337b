package io.plumbline.objective.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Records;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What holds for every policy-gradient loss at every point. */
class GrpoPropertiesTest {
  private static final int LENGTH = 7;
  private static final double THRESHOLD = 0.25;
  private static final double SCALE = 0.3;

  /** A step, and a grid for log-probabilities, on which a float32 is exact. */
  private static final float STEP = 0x1p-9f;

  private static final float GRID = 0x1p-12f;

  private static final double LOW = 0.8;
  private static final double HIGH = 1.28;
  private static final double DELTA = 1.5;

  private record Named(String type, GrpoSettings settings) {
    RolloutObjective objective() {
      return GrpoLossTypes.of(type, settings);
    }

    boolean takesSequences() {
      return !type.equals("vespo") && !type.equals("rloo");
    }
  }

  private static GrpoSettings settings(String type) {
    GrpoSettings settings = Records.with(GrpoSettings.defaults(), "entropyCoef", 0.03);
    return switch (type) {
      case "cispo" -> Records.with(settings, "epsilonHigh", 1.2);
      case "sapo", "vespo" -> settings;
      default ->
          Records.with(settings, "epsilon", 1 - LOW, "epsilonHigh", HIGH - 1, "delta", DELTA);
    };
  }

  @Provide
  Arbitrary<Named> objectives() {
    return Arbitraries.of(GrpoLossTypes.names())
        .flatMap(
            type ->
                Arbitraries.of(ImportanceSamplingLevel.values())
                    .map(
                        level -> {
                          Named token = new Named(type, settings(type));
                          return token.takesSequences()
                              ? new Named(
                                  type,
                                  Records.with(token.settings(), "importanceSamplingLevel", level))
                              : token;
                        }));
  }

  /** With a KL term, where the type has one. */
  @Provide
  Arbitrary<Named> held() {
    return objectives()
        .filter(named -> !named.type().equals("rloo"))
        .flatMap(
            named ->
                Arbitraries.of(KlEstimator.values())
                    .flatMap(
                        estimator ->
                            Arbitraries.of(KlCorrection.values())
                                .map(
                                    correction ->
                                        new Named(
                                            named.type(),
                                            Records.with(
                                                named.settings(),
                                                "beta",
                                                0.4,
                                                "estimator",
                                                estimator,
                                                "correction",
                                                correction)))));
  }

  private static float onGrid(double value) {
    return Math.round(value / GRID) * GRID;
  }

  /** Advantages of both signs where {@code each}, one for all otherwise; a gap in the middle. */
  private static RolloutLogps rollout(long seed) {
    Random random = new Random(seed);
    float[] policy = new float[LENGTH];
    float[] old = new float[LENGTH];
    float[] reference = new float[LENGTH];
    float[] entropies = new float[LENGTH];
    double[] advantages = new double[LENGTH];
    byte[] counted = new byte[LENGTH];
    double advantage = random.nextGaussian();
    boolean each = random.nextBoolean();
    for (int t = 0; t < LENGTH; t++) {
      old[t] = onGrid(-3 * random.nextDouble());
      policy[t] = onGrid(old[t] + 0.4 * random.nextGaussian());
      reference[t] = onGrid(old[t] + 0.4 * random.nextGaussian());
      entropies[t] = onGrid(random.nextDouble());
      advantages[t] = each ? random.nextGaussian() : advantage;
      counted[t] = (byte) (t == 3 ? 0 : 1);
    }
    return new RolloutLogps(policy, old, reference, advantages, counted, entropies);
  }

  private static float[] moved(float[] values, int t, float by) {
    float[] moved = values.clone();
    moved[t] += by;
    return moved;
  }

  private static RolloutLogps withPolicyMoved(RolloutLogps r, int t, float by) {
    return new RolloutLogps(
        moved(r.policy(), t, by),
        r.old(),
        r.reference(),
        r.advantages(),
        r.counted(),
        r.entropies());
  }

  /** So that ratios, which weights are made of, stay. */
  private static RolloutLogps withBothMoved(RolloutLogps r, int t, float by) {
    return new RolloutLogps(
        moved(r.policy(), t, by),
        moved(r.old(), t, by),
        r.reference(),
        r.advantages(),
        r.counted(),
        r.entropies());
  }

  private static RolloutLogps withEntropyMoved(RolloutLogps r, int t, float by) {
    return new RolloutLogps(
        r.policy(),
        r.old(),
        r.reference(),
        r.advantages(),
        r.counted(),
        moved(r.entropies(), t, by));
  }

  private static RolloutLogps withOld(RolloutLogps r, float[] old) {
    return new RolloutLogps(
        r.policy(), old, r.reference(), r.advantages(), r.counted(), r.entropies());
  }

  private static RolloutLogps withoutReference(RolloutLogps r) {
    return new RolloutLogps(
        r.policy(), r.old(), new float[0], r.advantages(), r.counted(), r.entropies());
  }

  private static double loss(Named named, RolloutLogps rollout) {
    return named.objective().loss(rollout, THRESHOLD, SCALE).loss();
  }

  private static void checkSlope(String what, double left, double right, double slope) {
    assertThat(slope)
        .as(what)
        .isCloseTo((right - left) / (2 * STEP), within(5e-5 * (1 + Math.abs(slope))));
  }

  /** No ratio within a step of where its clip begins. */
  private static boolean smooth(RolloutLogps rollout) {
    return Arrays.stream(PolicyGradient.RatioOf.values())
        .flatMapToDouble(of -> DoubleStream.of(of.logRatios(rollout)))
        .allMatch(
            logRatio ->
                DoubleStream.of(LOW, HIGH, DELTA)
                    .allMatch(kink -> Math.abs(logRatio - Math.log(kink)) > 2 * STEP));
  }

  @Property(tries = 2000)
  void derivativesAreFiniteDifferences(@ForAll("held") Named named, @ForAll long seed) {
    RolloutLogps rollout = rollout(seed);
    Assume.that(smooth(rollout));
    boolean weighted = named.type().equals("cispo") || named.type().equals("vespo");
    RolloutLogps here = weighted ? withoutReference(rollout) : rollout;
    RolloutLoss loss = named.objective().loss(here, THRESHOLD, SCALE);
    for (int t = 0; t < LENGTH; t++) {
      RolloutLogps left =
          weighted ? withBothMoved(here, t, -STEP) : withPolicyMoved(here, t, -STEP);
      RolloutLogps right = weighted ? withBothMoved(here, t, STEP) : withPolicyMoved(here, t, STEP);
      checkSlope(named + " token " + t, loss(named, left), loss(named, right), loss.byLogp()[t]);
    }
  }

  /** The KL term of those whose weights are constants is that of those whose are not. */
  @Property(tries = 500)
  void theKlTermIsThatOfTheClippedLoss(@ForAll("held") Named named, @ForAll long seed) {
    Assume.that(named.type().equals("cispo") || named.type().equals("vespo"));
    Named clipped =
        new Named(
            "dapo",
            Records.with(
                GrpoSettings.defaults(),
                "beta",
                named.settings().kl().beta(),
                "estimator",
                named.settings().kl().estimator(),
                "correction",
                named.settings().kl().correction(),
                "importanceSamplingLevel",
                named.settings().importanceSamplingLevel()));
    RolloutLogps rollout = rollout(seed);
    float[] expected = klGradient(clipped, rollout);
    float[] actual = klGradient(named, rollout);
    for (int t = 0; t < LENGTH; t++) {
      assertThat(actual[t]).isCloseTo(expected[t], within(1e-5f));
    }
  }

  private static float[] klGradient(Named named, RolloutLogps rollout) {
    float[] with = named.objective().loss(rollout, THRESHOLD, SCALE).byLogp();
    float[] without = named.objective().loss(withoutReference(rollout), THRESHOLD, SCALE).byLogp();
    for (int t = 0; t < LENGTH; t++) {
      with[t] -= without[t];
    }
    return with;
  }

  @Property(tries = 500)
  void wholeCompletionsHaveFiniteDifferencesToo(@ForAll long seed) {
    Named rloo = new Named("rloo", settings("rloo"));
    RolloutLogps rollout = withoutReference(rollout(seed));
    Assume.that(smooth(rollout));
    RolloutLoss loss = rloo.objective().loss(rollout, THRESHOLD, SCALE);
    for (int t = 0; t < LENGTH; t++) {
      checkSlope(
          "token " + t,
          loss(rloo, withPolicyMoved(rollout, t, -STEP)),
          loss(rloo, withPolicyMoved(rollout, t, STEP)),
          loss.byLogp()[t]);
    }
  }

  @Property(tries = 500)
  void derivativesByEntropyAreFiniteDifferences(
      @ForAll("objectives") Named named, @ForAll long seed) {
    RolloutLogps rollout = rollout(seed);
    RolloutLoss loss = named.objective().loss(rollout, THRESHOLD, SCALE);
    for (int t = 0; t < LENGTH; t++) {
      if (Math.abs(rollout.entropies()[t] - THRESHOLD) > 2 * STEP) {
        checkSlope(
            named + " token " + t,
            loss(named, withEntropyMoved(rollout, t, -STEP)),
            loss(named, withEntropyMoved(rollout, t, STEP)),
            loss.byEntropy()[t]);
      }
    }
  }

  @Property(tries = 500)
  void noOldPolicyIsThePolicyItself(@ForAll("held") Named named, @ForAll long seed) {
    RolloutLogps rollout = rollout(seed);
    assertThat(named.objective().loss(withOld(rollout, new float[0]), THRESHOLD, SCALE))
        .usingRecursiveComparison()
        .isEqualTo(
            named.objective().loss(withOld(rollout, rollout.policy().clone()), THRESHOLD, SCALE));
  }

  /** Where the ratio is 1 every type is the plain policy gradient. */
  @Property(tries = 500)
  void theFirstUpdateIsReinforce(@ForAll("objectives") Named named, @ForAll long seed) {
    RolloutLogps rollout = withoutReference(withOld(rollout(seed), new float[0]));
    RolloutObjective objective =
        GrpoLossTypes.of(named.type(), Records.with(named.settings(), "entropyCoef", 0));
    RolloutLoss loss = LoneRollout.loss(objective, rollout, Double.NEGATIVE_INFINITY);
    boolean mean = List.of("grpo", "sapo", "rloo").contains(named.type());
    double expected = 0;
    double actual = 0;
    for (int t = 0; t < LENGTH; t++) {
      expected -= rollout.counted()[t] * rollout.advantages()[t] / (mean ? LENGTH - 1 : 1);
      actual += loss.byLogp()[t];
    }
    // rloo's ratio is the product over the tokens, and their mean is counted once each.
    assertThat(actual)
        .as(named.toString())
        .isCloseTo(named.type().equals("rloo") ? expected * (LENGTH - 1) : expected, within(1e-5));
    assertThat(loss.byEntropy()).isEmpty();
    assertThat(loss.statistics()).isEqualTo(new RolloutLoss.Statistics(0, 0, 0));
  }

  @Property(tries = 500)
  void whatDoesNotCountDoesNotMatter(@ForAll("held") Named named, @ForAll long seed) {
    RolloutLogps rollout = rollout(seed);
    RolloutLogps other = withEntropyMoved(withPolicyMoved(rollout, 3, -1), 3, 1);
    RolloutLoss loss = named.objective().loss(rollout, THRESHOLD, SCALE);
    assertThat(named.objective().loss(other, THRESHOLD, SCALE))
        .usingRecursiveComparison()
        .isEqualTo(loss);
    assertThat(loss.byLogp()[3]).isZero();
    assertThat(loss.byEntropy()[3]).isZero();
  }

  @Property(tries = 500)
  void aCompletionWithoutTokensThatCountHasNoLoss(@ForAll("held") Named named, @ForAll long seed) {
    RolloutLogps rollout = rollout(seed);
    RolloutLoss loss =
        LoneRollout.loss(
            named.objective(),
            new RolloutLogps(
                rollout.policy(),
                rollout.old(),
                rollout.reference(),
                rollout.advantages(),
                new byte[LENGTH],
                rollout.entropies()),
            THRESHOLD);
    assertThat(loss)
        .usingRecursiveComparison()
        .isEqualTo(
            new RolloutLoss(
                0, new float[LENGTH], new float[LENGTH], new RolloutLoss.Statistics(0, 0, 0)));
  }

  @Example
  void ratiosThatOverflowLoseOnlyWhatIsClipped() {
    for (String type : GrpoLossTypes.names()) {
      for (double advantage : new double[] {-1, 0, 1}) {
        RolloutLoss loss =
            LoneRollout.loss(
                GrpoLossTypes.of(type, settings(type)),
                new RolloutLogps(
                    new float[] {-1},
                    new float[] {-2000},
                    new float[0],
                    new double[] {advantage},
                    new byte[] {1},
                    new float[] {1}),
                Double.NEGATIVE_INFINITY);
        assertThat(loss.loss()).as("%s of %s", type, advantage).isFinite();
        assertThat(loss.byLogp()[0]).as("%s of %s", type, advantage).isFinite();
      }
    }
  }
}
