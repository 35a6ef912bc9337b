package io.plumbline.advantage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Fixtures;
import io.plumbline.advantage.Advantages.Aggregation;
import io.plumbline.advantage.Advantages.Baseline;
import io.plumbline.advantage.Advantages.Scale;
import io.plumbline.advantage.Advantages.Settings;
import io.plumbline.advantage.Advantages.TokenStep;
import io.plumbline.checkpoint.SafetensorsFile;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AdvantagesTest {
  private static final double NONE = Double.NaN;
  private static final double[] ONE = {1};
  private static final Settings PLAIN =
      new Settings(Scale.NONE, Aggregation.SUM_THEN_NORMALIZE, Baseline.GROUP_MEAN);
  private static final Settings BY_BATCH =
      new Settings(Scale.BATCH, Aggregation.SUM_THEN_NORMALIZE, Baseline.GROUP_MEAN);
  private static final Settings NORMALIZED_FIRST =
      new Settings(Scale.GROUP, Aggregation.NORMALIZE_THEN_SUM, Baseline.GROUP_MEAN);
  private static final Settings LEAVE_ONE_OUT =
      new Settings(Scale.NONE, Aggregation.SUM_THEN_NORMALIZE, Baseline.LEAVE_ONE_OUT);
  private static final Settings LEAVE_ONE_OUT_BY_BATCH =
      new Settings(Scale.BATCH, Aggregation.SUM_THEN_NORMALIZE, Baseline.LEAVE_ONE_OUT);

  // TRL's numbers.

  private static final int GOLDEN_GROUP = 4;
  private static final SafetensorsFile GRPO = golden("grpo/grpo.safetensors");
  private static final SafetensorsFile RLOO = golden("rloo/rloo.safetensors");

  static Stream<String> grpo() {
    return GRPO.tensors().keySet().stream().filter(name -> name.startsWith("advantages|"));
  }

  static Stream<String> rloo() {
    return RLOO.tensors().keySet().stream().filter(name -> name.startsWith("advantages|"));
  }

  @ParameterizedTest
  @MethodSource("grpo")
  void thoseOfGrpoAreTrls(String name) {
    String[] parts = name.substring("advantages|".length()).split("/", -1);
    Settings settings =
        new Settings(
            Scale.valueOf(parts[2].toUpperCase(Locale.ROOT)),
            Aggregation.valueOf(parts[1].toUpperCase(Locale.ROOT)),
            Baseline.GROUP_MEAN);
    check(goldenScores(parts[0]), goldenWeights(parts[0]), settings, floats(GRPO, name));
  }

  @ParameterizedTest
  @MethodSource("rloo")
  void thoseOfRlooAreTrls(String name) {
    String[] parts = name.substring("advantages|".length()).split("/", -1);
    double beta = Double.parseDouble(parts[1].substring("beta".length()));
    Settings settings = parts[2].equals("norm_True") ? LEAVE_ONE_OUT_BY_BATCH : LEAVE_ONE_OUT;
    double[][] scores = goldenScores(parts[0]);
    double[] weights = goldenWeights(parts[0]);
    // The distance to the reference is one more thing that is scored.
    float[] old = floats(GRPO, "inputs|old_per_token_logps");
    float[] reference = floats(GRPO, "inputs|ref_per_token_logps");
    int tokens = old.length / scores.length;
    for (int i = 0; i < scores.length; i++) {
      double distance = 0;
      for (int t = i * tokens; t < (i + 1) * tokens; t++) {
        distance += old[t] - reference[t];
      }
      boolean unscorable = Arrays.stream(scores[i]).allMatch(Double::isNaN);
      scores[i] = Arrays.copyOf(scores[i], weights.length + 1);
      scores[i][weights.length] = unscorable ? NONE : distance;
    }
    weights = Arrays.copyOf(weights, weights.length + 1);
    weights[weights.length - 1] = -beta;
    check(scores, weights, settings, floats(RLOO, name));
  }

  @Test
  void everySettingHasGoldenNumbers() {
    assertThat(grpo()).hasSize(8);
    assertThat(rloo()).hasSize(8);
  }

  private static void check(
      double[][] scores, double[] weights, Settings settings, float[] expected) {
    Advantages advantages = Advantages.of(scores, weights, GOLDEN_GROUP, settings);
    assertThat(advantages.advantages()).hasSize(expected.length);
    for (int i = 0; i < expected.length; i++) {
      assertThat(advantages.advantages()[i]).as("row " + i).isCloseTo(expected[i], within(1e-5));
    }
  }

  private static double[] goldenWeights(String functions) {
    return functions.equals("one_func") ? ONE : new double[] {1, 0.5};
  }

  private static double[][] goldenScores(String functions) {
    String name = functions.equals("one_func") ? "inputs|rewards" : "inputs|rewards_two_funcs";
    int width = goldenWeights(functions).length;
    float[] all = floats(GRPO, name);
    double[][] scores = new double[all.length / width][width];
    for (int i = 0; i < all.length; i++) {
      scores[i / width][i % width] = all[i];
    }
    return scores;
  }

  private static SafetensorsFile golden(String path) {
    return SafetensorsFile.open(Storage.local(), Fixtures.golden(path).toString());
  }

  private static float[] floats(SafetensorsFile file, String name) {
    FloatBuffer values = FloatBuffer.allocate((int) file.tensor(name).elements());
    file.read(name, values);
    return values.array();
  }

  // Small ones, reckoned by hand.

  @Test
  void aRewardIsHeldToItsGroupsMeanAndDeviation() {
    Advantages advantages = of(2, Settings.defaults(), 1, 3, 10, 10);

    double deviation = Math.sqrt(2);
    close(advantages.advantages(), -1 / (deviation + 1e-4), 1 / (deviation + 1e-4), 0, 0);
    close(advantages.groupDeviations(), deviation, 0);
    assertThat(advantages.rewards()).containsExactly(1, 3, 10, 10);
    assertThat(advantages.zeroSpread()).containsExactly(false, true);
    assertThat(advantages.unscorable()).containsExactly(false, false, false, false);
    assertThat(advantages.teaches(0)).isTrue();
    assertThat(advantages.teaches(1)).isFalse();
  }

  @Test
  void aLeaveOneOutBaselineIsTheMeanOfTheOthers() {
    close(of(3, LEAVE_ONE_OUT, 1, 2, 6).advantages(), 1 - 4, 2 - 3.5, 6 - 1.5);
    close(of(3, LEAVE_ONE_OUT, 1, NONE, 6).advantages(), -5, 0, 5);
  }

  @Test
  void weightsMultiplyWhatIsKnown() {
    double[][] scores = {{1, 4}, {NONE, 4}, {3, NONE}, {NONE, NONE}};

    Advantages advantages = Advantages.of(scores, new double[] {2, 0.5}, 2, PLAIN);

    assertThat(advantages.rewards()).containsExactly(4, 2, 6, NONE);
    close(advantages.advantages(), 1, -1, 0, 0);
    assertThat(advantages.unscorable()).containsExactly(false, false, false, true);
  }

  /** Each function counts as much as the other, whatever the size of its scores. */
  @Test
  void rewardsThatAreNormalisedFirstWeighTheSame() {
    double[][] scores = {{0, 1000}, {1, 0}, {0, 0}, {1, 1000}};

    Advantages advantages = Advantages.of(scores, new double[] {1, 1}, 2, NORMALIZED_FIRST);

    // 0.7070 each after the first normalisation, by 1e-4 beside √½; together 0 or twice that.
    double each = 0.5 / (Math.sqrt(0.5) + 1e-4);
    double large = 500 / (1000 * Math.sqrt(0.5) + 1e-4);
    double apart = large - each;
    double together = large + each;
    double spread = Math.sqrt((2 * apart * apart + 2 * together * together) / 3) + 1e-4;
    close(
        advantages.advantages(),
        apart / spread,
        -apart / spread,
        -together / spread,
        together / spread);
  }

  // What TRL's frac_reward_zero_std is the mean of.

  @Test
  void zeroSpreadIsThatOfTheBatchWhereTheBatchDivides() {
    Advantages advantages = of(2, BY_BATCH, 1, 1, 0, 1);
    assertThat(advantages.zeroSpread()).containsExactly(false, false);
    assertThat(advantages.teaches(0)).isFalse();
    assertThat(advantages.teaches(1)).isTrue();
    assertThat(of(2, BY_BATCH, 1, 1, 1, 1).zeroSpread()).containsExactly(true, true);
    assertThat(of(2, BY_BATCH, 1, 1, 2, 2).zeroSpread()).containsExactly(false, false);
    assertThat(of(2, NORMALIZED_FIRST, 1, 1, 2, 2).zeroSpread()).containsExactly(true, true);
    assertThat(of(2, NORMALIZED_FIRST, 1, 1, 2, 3).zeroSpread()).containsExactly(false, false);
    assertThat(of(2, LEAVE_ONE_OUT_BY_BATCH, 1, 1, 0, 1).zeroSpread()).containsExactly(true, false);
  }

  @Test
  void aRewardWithoutAnotherInItsGroupTeachesNothing() {
    for (Settings settings :
        List.of(
            Settings.defaults(),
            PLAIN,
            BY_BATCH,
            NORMALIZED_FIRST,
            LEAVE_ONE_OUT,
            LEAVE_ONE_OUT_BY_BATCH)) {
      Advantages advantages = of(2, settings, 5, NONE, NONE, NONE, 1, 2);
      assertThat(Arrays.copyOf(advantages.advantages(), 4)).as("%s", settings).containsOnly(0);
      assertThat(Arrays.copyOf(advantages.groupDeviations(), 2)).containsOnly(0);
      assertThat(advantages.zeroSpread()).as("%s", settings).containsOnly(false);
      assertThat(advantages.teaches(0)).isFalse();
      assertThat(advantages.teaches(1)).isFalse();
      assertThat(advantages.teaches(2)).isTrue();
    }
  }

  @Test
  void aBatchMayBeEmpty() {
    assertThat(Advantages.of(new double[0][], ONE, 4, Settings.defaults()).advantages()).isEmpty();
    assertThat(Advantages.of(new double[0][], ONE, 4, NORMALIZED_FIRST).zeroSpread()).isEmpty();
  }

  // What is refused.

  @Test
  void whatTrlCannotDoIsRefused() {
    refused(Scale.GROUP, Aggregation.SUM_THEN_NORMALIZE, Baseline.LEAVE_ONE_OUT);
    refused(Scale.NONE, Aggregation.NORMALIZE_THEN_SUM, Baseline.LEAVE_ONE_OUT);
    refused(Scale.NONE, Aggregation.NORMALIZE_THEN_SUM, Baseline.GROUP_MEAN);
    refused(Scale.BATCH, Aggregation.NORMALIZE_THEN_SUM, Baseline.GROUP_MEAN);
    assertThatThrownBy(() -> of(1, Settings.defaults(), 1, 2))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_USAGE))
        .hasMessageContaining("at least two generations");
  }

  private static void refused(Scale scale, Aggregation aggregation, Baseline baseline) {
    assertThatThrownBy(() -> new Settings(scale, aggregation, baseline))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_USAGE));
  }

  @Test
  void scoresMustFitGroupsAndWeights() {
    assertThatThrownBy(() -> of(2, PLAIN, 1, 2, 3)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Advantages.of(new double[][] {{1, 2}, {3, 4}}, ONE, 2, PLAIN))
        .isInstanceOf(IllegalArgumentException.class);
  }

  // Process rewards.

  @Test
  void aTokensAdvantageIsTheSumOfTheStepsThatEndAfterIt() {
    List<double[]> advantages =
        Advantages.ofSteps(
            List.of(
                List.of(new TokenStep(2, 1), new TokenStep(3, 0)), List.of(new TokenStep(1, 0.5))),
            new int[] {4, 2});

    // Mean ½, deviation ½.
    double one = 0.5 / (0.5 + 1e-4);
    close(advantages.get(0), 0, 0, -one, 0);
    close(advantages.get(1), 0, 0);
  }

  @Test
  void stepsAreNormalisedOverTheWholeGroup() {
    List<double[]> advantages =
        Advantages.ofSteps(
            List.of(
                List.of(new TokenStep(1, 0), new TokenStep(2, 2)),
                List.of(new TokenStep(3, 2)),
                List.of()),
            new int[] {2, 3, 2});

    double deviation = Math.sqrt((16.0 / 9 + 4.0 / 9 + 4.0 / 9) / 2) + 1e-4;
    double low = -4.0 / 3 / deviation;
    double high = 2.0 / 3 / deviation;
    close(advantages.get(0), low + high, high);
    close(advantages.get(1), high, high, high);
    close(advantages.get(2), 0, 0);
  }

  @Test
  void aStepThatWasCutOffEndsWithItsCompletion() {
    List<double[]> advantages =
        Advantages.ofSteps(
            List.of(
                List.of(new TokenStep(9, 1)),
                List.of(new TokenStep(0, 0), new TokenStep(1, 0)),
                List.of(new TokenStep(1, 1))),
            new int[] {2, 2, 0});

    double step = 0.5 / (Math.sqrt(1.0 / 3) + 1e-4);
    close(advantages.get(0), step, step);
    close(advantages.get(1), -step, 0);
    assertThat(advantages.get(2)).isEmpty();
  }

  @Test
  void stepsThatDoNotDifferTeachNothing() {
    List<TokenStep> steps = List.of(new TokenStep(1, 0.1), new TokenStep(2, 0.1));
    List<double[]> advantages = Advantages.ofSteps(List.of(steps, steps), new int[] {2, 3});
    assertThat(advantages.get(0)).containsExactly(0, 0);
    assertThat(advantages.get(1)).containsExactly(0, 0, 0);
    assertThat(Advantages.ofSteps(List.of(List.of()), new int[] {1}).get(0)).containsExactly(0);
  }

  private static Advantages of(int groupSize, Settings settings, double... rewards) {
    double[][] scores =
        Arrays.stream(rewards).mapToObj(reward -> new double[] {reward}).toArray(double[][]::new);
    return Advantages.of(scores, ONE, groupSize, settings);
  }

  private static void close(double[] actual, double... expected) {
    assertThat(actual).containsExactly(expected, within(1e-12));
  }
}
