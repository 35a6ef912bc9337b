package io.plumbline.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.objective.pair.LengthDesensitized;
import io.plumbline.objective.pair.WeightedPreference;
import io.plumbline.objective.score.BradleyTerry;
import io.plumbline.objective.score.ScoreLoss;
import io.plumbline.objective.unpaired.ApoZeroUnpaired;
import io.plumbline.objective.unpaired.Desirability;
import io.plumbline.objective.unpaired.Kto;
import io.plumbline.objective.unpaired.KtoLossTypes;
import io.plumbline.objective.unpaired.KtoSettings;
import io.plumbline.objective.unpaired.UnpairedLoss;
import io.plumbline.objective.unpaired.UnpairedObjective;
import io.plumbline.statistics.Calibration;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;

class UnpairedAndScoreTest {
  private static final double STEP = 1e-6;

  @Property
  void unpairedDerivativesAreFiniteDifferences(
      @ForAll @DoubleRange(min = -30, max = 0) double policy,
      @ForAll @DoubleRange(min = -30, max = 0) double reference,
      @ForAll @DoubleRange(min = 0, max = 5) double kl,
      @ForAll Desirability desirability) {
    for (String name : KtoLossTypes.names()) {
      UnpairedObjective objective = KtoLossTypes.of(name, new KtoSettings(0.4, 1.2, 0.7));
      double right = objective.loss(policy + STEP, reference, desirability, kl).loss();
      double left = objective.loss(policy - STEP, reference, desirability, kl).loss();
      assertThat(objective.loss(policy, reference, desirability, kl).byPolicy())
          .as(name)
          .isCloseTo((right - left) / (2 * STEP), within(1e-7));
    }
  }

  @Example
  void unpairedExtremesStayFinite() {
    for (double policy : new double[] {0, -1e4}) {
      for (double reference : new double[] {0, -1e4}) {
        for (Desirability desirability : Desirability.values()) {
          UnpairedLoss loss = new Kto(1, 1, 1).loss(policy, reference, desirability, 1e4);
          assertThat(loss.loss()).isBetween(0.0, 1.0);
          assertThat(loss.byPolicy()).isFinite();
        }
      }
    }
  }

  /** KTO pulls desirable completions up and undesirable ones down, most where it is undecided. */
  @Example
  void ktoIsMostSensitiveAtTheKl() {
    Kto kto = new Kto(0.1, 1, 1.33);
    assertThat(kto.loss(-5, -8, Desirability.DESIRABLE, 3))
        .isEqualTo(new UnpairedLoss(0.5, -0.025));
    assertThat(kto.loss(-5, -8, Desirability.UNDESIRABLE, 3))
        .isEqualTo(new UnpairedLoss(1.33 * 0.5, 1.33 * 0.025));
    assertThat(new ApoZeroUnpaired(0.1, 1, 1).loss(-5, -5, Desirability.DESIRABLE, 3).loss())
        .isEqualTo(0.5);
  }

  @Example
  void klIsAMeanAndNeverNegative() {
    assertThat(UnpairedObjective.kl(6, 4)).isEqualTo(1.5);
    assertThat(UnpairedObjective.kl(-6, 4)).isZero();
    assertThat(UnpairedObjective.kl(0, 0)).isZero();
  }

  @Property
  void scoreDerivativesAreFiniteDifferences(
      @ForAll @DoubleRange(min = -9, max = 9) double chosen,
      @ForAll @DoubleRange(min = -9, max = 9) double rejected,
      @ForAll @DoubleRange(min = -2, max = 2) double margin,
      @ForAll @DoubleRange(min = 0, max = 0.5) double centering) {
    BradleyTerry objective = new BradleyTerry(centering);
    ScoreLoss loss = objective.loss(chosen, rejected, margin);
    assertThat(loss.byChosen())
        .isCloseTo(
            (objective.loss(chosen + STEP, rejected, margin).loss()
                    - objective.loss(chosen - STEP, rejected, margin).loss())
                / (2 * STEP),
            within(1e-6));
    assertThat(loss.byRejected())
        .isCloseTo(
            (objective.loss(chosen, rejected + STEP, margin).loss()
                    - objective.loss(chosen, rejected - STEP, margin).loss())
                / (2 * STEP),
            within(1e-6));
  }

  /** Without centering only the difference of scores matters. */
  @Property
  void bradleyTerryDoesNotSeeAConstant(
      @ForAll @DoubleRange(min = -9, max = 9) double difference,
      @ForAll @DoubleRange(min = -9, max = 9) double shift) {
    assertThat(new BradleyTerry(0).loss(difference + shift, shift, Double.NaN).loss())
        .isCloseTo(-Logistic.logSigmoid(difference), within(1e-12));
  }

  @Example
  void marginAndCenteringAreAdded() {
    assertThat(new BradleyTerry(0).loss(3, 1, 2)).isEqualTo(new ScoreLoss(Math.log(2), -0.5, 0.5));
    ScoreLoss centered = new BradleyTerry(0.01).loss(3, 1, 2);
    assertThat(centered.loss()).isCloseTo(Math.log(2) + 0.16, within(1e-12));
    assertThat(centered.byChosen()).isCloseTo(-0.5 + 0.08, within(1e-12));
    assertThat(centered.byRejected()).isCloseTo(0.5 + 0.08, within(1e-12));
    assertThat(new BradleyTerry(0).loss(-1e4, 1e4, Double.NaN))
        .isEqualTo(new ScoreLoss(2e4, -1, 1));
    assertThatThrownBy(() -> new BradleyTerry(-1)).hasMessageContaining("centering");
  }

  @Property
  void everyProbabilityFallsInTheBinThatHoldsItsConfidence(
      @ForAll @DoubleRange(min = 0, max = 1) double probability) {
    int bin = Calibration.bin(probability);
    double confidence = Calibration.confidence(probability);
    assertThat(bin).isBetween(0, Calibration.BINS - 1);
    assertThat(confidence)
        .isBetween(0.5 + 0.05 * bin - 1e-12, 0.5 + 0.05 * (bin + 1) + 1e-12)
        .isEqualTo(Calibration.confidence(1 - probability), within(1e-12));
  }

  @Example
  void binsAndBrierOfKnownProbabilities() {
    assertThat(Calibration.bin(0.5)).isZero();
    assertThat(Calibration.bin(0.2)).isEqualTo(6);
    assertThat(Calibration.bin(1)).isEqualTo(9);
    assertThat(Calibration.bin(0)).isEqualTo(9);
    assertThat(Calibration.brier(0.75)).isEqualTo(0.0625);
    assertThat(Calibration.brier(0)).isEqualTo(1);
    assertThat(BradleyTerry.preferenceProbability(1, 1)).isEqualTo(0.5);
    assertThat(BradleyTerry.preferenceProbability(1e4, -1e4)).isEqualTo(1);
    assertThatThrownBy(() -> Calibration.bin(Double.NaN)).hasMessageContaining("within 0 and 1");
    assertThatThrownBy(() -> Calibration.brier(1.1)).hasMessageContaining("within 0 and 1");
  }

  @Example
  void lengthDesensitizingCountsTheTailByAlpha() {
    byte[] counted = {0, 1, 1, 0, 1, 1};
    LengthDesensitized half = new LengthDesensitized(0.5);
    assertThat(half.factors(counted, 2)).containsExactly(0, 1, 1, 0, 0.5f, 0.5f);
    assertThat(half.factors(counted, 9)).containsExactly(0, 1, 1, 0, 1, 1);
    assertThat(
            LengthDesensitized.logp(new float[] {-9, -1, -2, -9, -3, -4}, half.factors(counted, 2)))
        .isEqualTo(-6.5);
    assertThatThrownBy(() -> new LengthDesensitized(1.5)).hasMessageContaining("ld_alpha");
  }

  /** Of a distribution that is even over n tokens, each sampled token weighs 1. */
  @Example
  void weightsAreOneForWhatThePolicySamplesEvenly() {
    float logp = (float) Math.log(0.25);
    byte[] counted = {1, 0, 1};
    assertThat(
            WeightedPreference.weight(
                new float[] {logp, 0, logp}, new float[] {logp, -5, logp}, counted))
        .isEqualTo(1);
    assertThat(
            WeightedPreference.weight(new float[] {-2, 0, -1}, new float[] {-1, -5, -1}, counted))
        .isCloseTo(Math.exp(-0.5), within(1e-12));
    assertThat(WeightedPreference.weight(new float[1], new float[1], new byte[1])).isEqualTo(1);
  }
}
