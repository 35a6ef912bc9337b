package io.plumbline.objective.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Records;
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
        Arguments.of("rloo", Records.with(DEFAULTS, "beta", 0.1), "in the reward, not in the loss"),
        Arguments.of("cispo", DEFAULTS, "epsilon_high is the greatest ratio itself"),
        Arguments.of(
            "cispo",
            Records.with(DEFAULTS, "epsilon", 0.3, "epsilonHigh", 5),
            "epsilon does nothing for the loss type cispo"),
        Arguments.of(
            "sapo", Records.with(DEFAULTS, "epsilonHigh", 0.3), "epsilon_high does nothing"),
        Arguments.of(
            "vespo",
            Records.with(DEFAULTS, "delta", 2),
            "delta does nothing for the loss type vespo: leave it out, or use one of dapo, grpo,"
                + " bnpo, dr_grpo, luspo, rloo."),
        Arguments.of(
            "vespo",
            Records.with(DEFAULTS, "importanceSamplingLevel", ImportanceSamplingLevel.SEQUENCE),
            "importance_sampling_level sequence does nothing"),
        Arguments.of(
            "dapo",
            Records.with(DEFAULTS, "sapo", new GrpoSettings.SapoSettings(2, 2)),
            "sapo_temperature does nothing"),
        Arguments.of(
            "grpo",
            Records.with(DEFAULTS, "vespo", new GrpoSettings.VespoSettings(1, 1, 1, 1)),
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
    assertThatThrownBy(() -> Records.with(DEFAULTS, "beta", -1))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("beta must be 0 or more, and -1.0 was given");
    assertThatThrownBy(() -> Records.with(DEFAULTS, "epsilon", 0, "epsilonHigh", 0))
        .isInstanceOf(PlumblineException.class);
    assertThatThrownBy(() -> Records.with(DEFAULTS, "delta", 1))
        .isInstanceOf(PlumblineException.class);
    assertThatThrownBy(() -> Records.with(DEFAULTS, "maxCompletionLength", 0))
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
      out.writeObject(Records.with(DEFAULTS, "epsilon", 0.1, "epsilonHigh", 0.3));
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      assertThat(in.readObject())
          .isEqualTo(Records.with(DEFAULTS, "epsilon", 0.1, "epsilonHigh", 0.3));
    }
  }

  /** DeepSeek-V3.2 masks a completion only where it was punished and has become unlikely. */
  @Test
  void theOffPolicyMaskDropsPunishedCompletionsThatHaveBecomeUnlikely() {
    RolloutObjective masked =
        GrpoLossTypes.of(
            "cispo", Records.with(DEFAULTS, "epsilonHigh", 5, "offPolicyMaskThreshold", 0.5));
    assertThat(slope(masked, -1, -1.75f)).isZero();
    assertThat(slope(masked, -1, -1.5f)).isGreaterThan(0);
    assertThat(slope(masked, -1, -0.25f)).isGreaterThan(0);
    assertThat(slope(masked, 1, -1.75f)).isLessThan(0);
  }

  private static float slope(RolloutObjective objective, double advantage, float policy) {
    return LoneRollout.loss(
            objective,
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
    GrpoSettings settings = Records.with(DEFAULTS, "entropyCoef", 0.1, "maxCompletionLength", 10);
    double all = Double.NEGATIVE_INFINITY;
    assertThat(LoneRollout.loss(GrpoLossTypes.of("grpo", settings), rollout, all).loss())
        .isCloseTo(-0.1, within(1e-12));
    assertThat(LoneRollout.loss(GrpoLossTypes.of("dapo", settings), rollout, all).loss())
        .isCloseTo(-0.3, within(1e-12));
    assertThat(LoneRollout.loss(GrpoLossTypes.of("dr_grpo", settings), rollout, all).loss())
        .isCloseTo(-1, within(1e-12));
    RolloutLoss top = LoneRollout.loss(GrpoLossTypes.of("grpo", settings), rollout, 0.75);
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
