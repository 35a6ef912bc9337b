package io.plumbline.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.objective.pair.Aot;
import io.plumbline.objective.pair.AotUnpaired;
import io.plumbline.objective.pair.BcoPair;
import io.plumbline.objective.pair.BcoPairShifted;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.objective.pair.ExoPair;
import io.plumbline.objective.pair.Ipo;
import io.plumbline.objective.pair.OddsRatio;
import io.plumbline.objective.pair.PairLogps;
import io.plumbline.objective.pair.PairLoss;
import io.plumbline.objective.pair.Robust;
import io.plumbline.objective.pair.Sft;
import io.plumbline.objective.pair.SigmoidNorm;
import io.plumbline.objective.pair.SigmoidPreference;
import io.plumbline.objective.pair.SimPo;
import io.plumbline.objective.pair.Sppo;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;

/** What the papers say of their losses, and how the losses hang together. */
class PaperClaimsTest {
  private static final Divergence KL = new Divergence.ReverseKl();

  private static PairLogps logRatios(double chosen, double rejected) {
    return Objectives.pair(chosen, rejected, 0, 0, 4, 7);
  }

  /** Chowdhury et al.: the mean over flipped labels is the loss on the true ones. */
  @Property
  void robustIsUnbiased(
      @ForAll @DoubleRange(min = -20, max = 20) double difference,
      @ForAll @DoubleRange(min = 0, max = 0.45) double flipped) {
    Robust robust = new Robust(0.7, flipped, KL);
    double mean =
        (1 - flipped) * robust.at(difference).loss() + flipped * robust.at(-difference).loss();

    assertThat(mean).isCloseTo(Objectives.dpo(0.7).at(difference).loss(), within(1e-9));
  }

  /** Mitchell: cDPO is at rest where the policy is as sure as the labels are. */
  @Property
  void smoothedSigmoidRestsAtTheLabelsProbability(
      @ForAll @DoubleRange(min = 0.01, max = 0.5) double smoothing) {
    double margin = Math.log((1 - smoothing) / smoothing) / 0.2;

    assertThat(new SigmoidPreference(0.2, smoothing, KL).at(margin).slope())
        .isCloseTo(0, within(1e-12));
    assertThat(new ExoPair(0.2, smoothing, KL).at(margin).slope()).isCloseTo(0, within(1e-12));
    assertThat(new ExoPair(0.2, smoothing, KL).at(margin).loss()).isCloseTo(0, within(1e-12));
  }

  /** A KL is 0 or more. */
  @Property
  void exoIsNeverNegative(
      @ForAll @DoubleRange(min = -100, max = 100) double difference,
      @ForAll @DoubleRange(min = 0.01, max = 0.5) double smoothing) {
    assertThat(new ExoPair(1, smoothing, KL).at(difference).loss()).isGreaterThan(-1e-12);
  }

  /** Azar et al.: IPO asks for a margin of 1/(2β) and no more. */
  @Example
  void ipoRestsAtItsMargin() {
    PairLoss atRest = new Ipo(0.1, Lengths.SUMMED, KL).loss(logRatios(3, -2));
    assertThat(List.of(atRest.loss(), atRest.byChosen(), atRest.byRejected()))
        .allSatisfy(value -> assertThat(Math.abs(value)).isZero());
    assertThat(new Ipo(0.1, Lengths.SUMMED, KL).at(6).slope()).isPositive();
    assertThat(new Ipo(0.1, Lengths.PER_TOKEN, KL).loss(logRatios(4, -28)).loss()).isZero();
  }

  @Example
  void sigmoidNormIsDpoForOneToken() {
    PairLogps pair = Objectives.pair(-1, -3, -2, -1, 1, 1);
    assertThat(new SigmoidNorm(0.3, 0.1, KL).loss(pair))
        .isEqualTo(new SigmoidPreference(0.3, 0.1, KL).loss(pair));
  }

  /** Wang et al. (f-DPO), section 4: both KLs are ends of the α-divergences. */
  @Property
  void alphaDivergencesReachBothKls(@ForAll @DoubleRange(min = -5, max = 5) double logRatio) {
    Divergence forward = new Divergence.ForwardKl();
    assertThat(new Divergence.AlphaDivergence(0).score(logRatio))
        .isCloseTo(forward.score(logRatio), within(1e-9 * Math.exp(5)));
    assertThat(new Divergence.AlphaDivergence(1).score(logRatio)).isEqualTo(logRatio);
    assertThat(new Divergence.AlphaDivergence(1 + 1e-5).score(logRatio))
        .isCloseTo(logRatio, within(1e-3));
    // The paper's form: (1 − t^−α) / α.
    assertThat(new Divergence.AlphaDivergence(1 - 0.3).score(logRatio))
        .isCloseTo((1 - Math.exp(-0.3 * logRatio)) / 0.3, within(1e-9));
  }

  @Property
  void divergencesScoreNothingWherePolicyIsReferenceAndRiseFromThere(
      @ForAll @DoubleRange(min = -5, max = 5) double logRatio) {
    for (String name : Divergence.names()) {
      Divergence divergence = Divergence.named(name, 0.5);
      assertThat(divergence.name()).isEqualTo(name);
      assertThat(divergence.score(0)).isCloseTo(0, within(1e-15));
      assertThat(divergence.slope(0)).isIn(1.0, 0.5);
      assertThat(divergence.slope(logRatio)).isPositive();
    }
  }

  @Example
  void alphaDivergenceIsCutOffWhereTrlCutsIt() {
    Divergence divergence = new Divergence.AlphaDivergence(0.5);
    assertThat(divergence.slope(-159)).isEqualTo(Math.exp(79.5));
    assertThat(divergence.slope(-161)).isZero();
    assertThat(divergence.score(-161)).isEqualTo(divergence.score(-1e6)).isFinite();
  }

  @Example
  void bcoWithItsShiftJudgesRewardsAgainstTheirMean() {
    // Rewards 3, 0.5, -1 and 1.5 have the mean 1.
    List<PairLogps> batch = List.of(logRatios(6, 1), logRatios(-2, 3));
    assertThat(new BcoPairShifted(0.5).losses(batch)).isEqualTo(new BcoPair(0.5, 1).losses(batch));

    BcoPair shifted = new BcoPair(0.5, 2);
    assertThat(shifted.loss(logRatios(6, 1))).isEqualTo(new BcoPair(0.5, 0).loss(logRatios(2, -3)));
  }

  /** Wu et al.: the hard form is the soft one at a probability of 1. */
  @Example
  void softSppoFollowsTheMargin() {
    Sppo soft = new Sppo(0.1, Sppo.Preference.BY_MARGIN);
    Sppo hard = new Sppo(0.1, Sppo.Preference.CERTAIN);
    assertThat(soft.loss(withMargin(1e4))).isEqualTo(hard.loss(withMargin(Double.NaN)));
    assertThat(soft.loss(withMargin(0))).isEqualTo(new PairLoss(9 + 1, 6, -2));
    // P = 3/4: the targets are ±2.5.
    assertThat(soft.loss(withMargin(Math.log(3))).byChosen()).isCloseTo(1, within(1e-12));
    assertThatThrownBy(() -> soft.loss(withMargin(Double.NaN)))
        .hasMessageContaining("margin")
        .hasMessageContaining("sppo_hard");
  }

  private static PairLogps withMargin(double margin) {
    return new PairLogps(3, -1, 0, 0, 1, 1, 0, 0, 1, margin);
  }

  @Example
  void likelihoodCountsTokensOrPairs() {
    PairLogps pair = new PairLogps(-6, -9, 0, 0, 3, 5, -2, 1, 8, Double.NaN);
    assertThat(new Sft(Sft.Mean.OVER_TOKENS).loss(pair))
        .isEqualTo(new PairLoss(1, -0.125, 0, -0.125));
    assertThat(new Sft(Sft.Mean.OVER_PAIRS).loss(pair)).isEqualTo(new PairLoss(2, -0.25, 0, -0.25));
    PairLogps nothingCounts = Objectives.pair(0, -9, 0, 0, 0, 5);
    assertThat(new Sft(Sft.Mean.OVER_PAIRS).loss(nothingCounts)).isEqualTo(new PairLoss(0, 0, 0));
  }

  /** Meng et al.: a completion written twice over has the same reward. */
  @Example
  void simPoDoesNotSeeLengths() {
    SimPo simPo = new SimPo(2, 1, 0, 0);
    double once = simPo.loss(Objectives.pair(-4, -9, 0, 0, 4, 3)).loss();
    assertThat(simPo.loss(Objectives.pair(-8, -27, 0, 0, 8, 9)).loss()).isEqualTo(once);
    assertThat(once).isCloseTo(Math.log1p(Math.exp(-(2 * (-1 + 3) - 1))), within(1e-12));
  }

  /** Hong et al.: sides of equal odds are a coin toss, and ORPO adds the likelihood. */
  @Example
  void oddsRatioOfEqualSidesIsLogTwo() {
    PairLogps equal = Objectives.pair(-2, -4, 0, 0, 2, 4);
    assertThat(new OddsRatio(1).loss(equal).loss()).isCloseTo(Math.log(2), within(1e-12));
    assertThat(
            OddsRatio.withLikelihood(0.5, Sft.Mean.OVER_TOKENS)
                .losses(List.of(equal))
                .get(0)
                .loss())
        .isCloseTo(1 + 0.5 * Math.log(2), within(1e-12));
  }

  /** Melnyk et al.: for one pair there is nothing to sort, and the loss is DPO's. */
  @Property
  void optimalTransportOfOnePairIsDpo(
      @ForAll @DoubleRange(min = -9, max = 9) double chosen,
      @ForAll @DoubleRange(min = -9, max = 9) double rejected) {
    List<PairLogps> one = List.of(logRatios(chosen, rejected));
    List<PairLoss> expected = new SigmoidPreference(0.3, 0.1, KL).losses(one);
    assertThat(new Aot(0.3, 0.1).losses(one)).isEqualTo(expected);
    assertThat(new AotUnpaired(0.3, 0.1).losses(one)).isEqualTo(expected);
  }

  /** Melnyk et al.: which rejected side came with which chosen one does not matter. */
  @Property
  void unpairedOptimalTransportDoesNotSeeThePairing(@ForAll long seed) {
    List<PairLogps> batch = Objectives.pairs(seed, 2);
    PairLogps a = batch.get(0);
    PairLogps b = batch.get(1);
    AotUnpaired objective = new AotUnpaired(0.5, 0);
    List<PairLoss> losses = objective.losses(batch);
    List<PairLoss> crossed =
        objective.losses(
            List.of(
                logRatios(a.chosenLogRatio(), b.rejectedLogRatio()),
                logRatios(b.chosenLogRatio(), a.rejectedLogRatio())));
    for (int i = 0; i < 2; i++) {
      assertThat(crossed.get(i).loss()).isEqualTo(losses.get(i).loss());
      assertThat(crossed.get(i).byChosen()).isEqualTo(losses.get(i).byChosen());
      assertThat(crossed.get(i).byRejected()).isEqualTo(losses.get(1 - i).byRejected());
    }
  }

  @Example
  void equalLogRatiosRankInTheOrderOfThePairs() {
    List<PairLoss> losses =
        new AotUnpaired(1, 0).losses(List.of(logRatios(1, 5), logRatios(1, 2), logRatios(0, 2)));
    // Ranks: chosen 0 (pair 2), 1 (pair 0), 1 (pair 1) against rejected 2, 2, 5.
    assertThat(losses.get(2).loss()).isEqualTo(-Logistic.logSigmoid(-2));
    assertThat(losses.get(0).loss()).isEqualTo(-Logistic.logSigmoid(-1));
    assertThat(losses.get(1).loss()).isEqualTo(-Logistic.logSigmoid(-4));
  }

  @Example
  void logarithmsKeepTheirDigitsAtBothEnds() {
    assertThat(Logistic.log1mExp(-1e-12)).isCloseTo(Math.log(1e-12), within(1e-9));
    assertThat(Logistic.log1mExp(-50)).isEqualTo(-Math.exp(-50));
    assertThat(Logistic.logSigmoid(-800)).isEqualTo(-800);
  }
}
