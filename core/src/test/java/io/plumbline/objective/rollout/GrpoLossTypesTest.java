package io.plumbline.objective.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.error.PlumblineException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class GrpoLossTypesTest {
  private static final GrpoSettings DEFAULTS = GrpoSettings.defaults();

  static Stream<Arguments> unfit() {
    return Stream.of(
        Arguments.of("gropo", DEFAULTS, "(did you mean grpo?)"),
        Arguments.of("rloo", DEFAULTS.withBeta(0.1), "in the reward, not in the loss"),
        Arguments.of("cispo", DEFAULTS, "epsilon_high is the greatest ratio itself"),
        Arguments.of(
            "cispo", DEFAULTS.withEpsilons(0.3, 5), "epsilon does nothing for the loss type cispo"),
        Arguments.of("sapo", DEFAULTS.withEpsilonHigh(0.3), "epsilon_high does nothing"),
        Arguments.of(
            "vespo",
            DEFAULTS.withDelta(2),
            "delta does nothing for the loss type vespo: leave it out, or use one of dapo, grpo,"
                + " bnpo, dr_grpo, luspo, rloo."),
        Arguments.of(
            "vespo",
            DEFAULTS.withImportanceSamplingLevel(ImportanceSamplingLevel.SEQUENCE),
            "importance_sampling_level sequence does nothing"),
        Arguments.of(
            "dapo",
            DEFAULTS.withSapo(new GrpoSettings.SapoSettings(2, 2)),
            "sapo_temperature does nothing"),
        Arguments.of(
            "grpo",
            DEFAULTS.withVespo(new GrpoSettings.VespoSettings(1, 1, 1, 1)),
            "vespo_k or vespo_lambda does nothing"));
  }

  @ParameterizedTest
  @MethodSource("unfit")
  void whatDoesNotFitIsRefused(String type, GrpoSettings settings, String sentence) {
    assertThatThrownBy(() -> GrpoLossTypes.of(type, settings))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  void constantsOutOfRangeAreRefused() {
    assertThatThrownBy(() -> DEFAULTS.withBeta(-1))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("beta must be 0 or more, and -1.0 was given");
    assertThatThrownBy(() -> DEFAULTS.withEpsilon(0)).isInstanceOf(PlumblineException.class);
    assertThatThrownBy(() -> DEFAULTS.withDelta(1)).isInstanceOf(PlumblineException.class);
    assertThatThrownBy(() -> DEFAULTS.withMaxCompletionLength(0))
        .isInstanceOf(PlumblineException.class);
    assertThatThrownBy(() -> new GrpoSettings.VespoSettings(1, 0, 1, 1))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("vespo_lambda_pos");
  }

  /** Spark sends them to executors. */
  @Test
  void settingsAreSerializable() throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(DEFAULTS.withEpsilons(0.1, 0.3));
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject()).isEqualTo(DEFAULTS.withEpsilons(0.1, 0.3));
    }
  }

  /** DeepSeek-V3.2 masks a completion only where it was punished and has become unlikely. */
  @Test
  void theOffPolicyMaskDropsPunishedCompletionsThatHaveBecomeUnlikely() {
    RolloutObjective masked =
        GrpoLossTypes.of("cispo", DEFAULTS.withEpsilonHigh(5).withOffPolicyMaskThreshold(0.5));
    assertThat(slope(masked, -1, -1.75f)).isZero();
    assertThat(slope(masked, -1, -1.5f)).isGreaterThan(0);
    assertThat(slope(masked, -1, -0.25f)).isGreaterThan(0);
    assertThat(slope(masked, 1, -1.75f)).isLessThan(0);
  }

  private static float slope(RolloutObjective objective, double advantage, float policy) {
    return objective.loss(
            new RolloutLogps(
                new float[] {policy},
                new float[] {-1},
                new float[0],
                new double[] {advantage},
                new byte[] {1},
                new float[] {1}),
            Double.NEGATIVE_INFINITY)
        .byLogp()[0];
  }

  /** The bonus of a completion by itself is the mean over its tokens times its normalizer. */
  @Test
  void theEntropyBonusOfOneCompletionIsAMean() {
    RolloutLogps rollout =
        new RolloutLogps(
            new float[] {-1, -1, -1, -1},
            new float[0],
            new float[0],
            new double[4],
            new byte[] {1, 1, 1, 0},
            new float[] {0.5f, 1, 1.5f, 7});
    GrpoSettings settings = DEFAULTS.withEntropyCoef(0.1).withMaxCompletionLength(10);
    double all = Double.NEGATIVE_INFINITY;
    assertThat(GrpoLossTypes.of("grpo", settings).loss(rollout, all).loss())
        .isCloseTo(-0.1, within(1e-12));
    assertThat(GrpoLossTypes.of("dapo", settings).loss(rollout, all).loss())
        .isCloseTo(-0.3, within(1e-12));
    assertThat(GrpoLossTypes.of("dr_grpo", settings).loss(rollout, all).loss())
        .isCloseTo(-1, within(1e-12));
    RolloutLoss top = GrpoLossTypes.of("grpo", settings).loss(rollout, 0.75);
    assertThat(top.loss()).isCloseTo(-0.125, within(1e-12));
    assertThat(top.byEntropy()).containsExactly(0, -0.05f, -0.05f, 0);
  }

  @Test
  void theEntropyThresholdIsAQuantile() {
    double[] tenths = IntStream.range(0, 11).mapToDouble(i -> (10 - i) / 10.0).toArray();
    assertThat(RolloutObjective.entropyThreshold(tenths, 1)).isEqualTo(Double.NEGATIVE_INFINITY);
    assertThat(RolloutObjective.entropyThreshold(tenths, 0)).isEqualTo(1);
    assertThat(RolloutObjective.entropyThreshold(tenths, 0.25)).isCloseTo(0.75, within(1e-6));
    assertThat(RolloutObjective.entropyThreshold(new double[0], 0.5))
        .isEqualTo(Double.POSITIVE_INFINITY);
    assertThat(RolloutObjective.entropyThreshold(new double[] {0.25}, 0.5)).isEqualTo(0.25);
    assertThatThrownBy(() -> RolloutObjective.entropyThreshold(tenths, 1.5))
        .isInstanceOf(PlumblineException.class);
  }

  /** 1 − 0.9 is under a tenth in float64, and the token at the threshold would be left out. */
  @Test
  void aTokenAtTheThresholdIsLearnedFrom() {
    for (int count = 1; count <= 10; count++) {
      double[] entropies = IntStream.range(0, 11).mapToDouble(i -> (float) (i / 10.0)).toArray();
      double threshold = RolloutObjective.entropyThreshold(entropies, count / 10.0);
      assertThat(Arrays.stream(entropies).filter(entropy -> entropy >= threshold).count())
          .isEqualTo(count == 10 ? 11 : count + 1);
    }
  }
}
