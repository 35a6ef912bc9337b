package io.plumbline.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.advantage.GeneralizedAdvantage;
import io.plumbline.advantage.GeneralizedAdvantage.Estimates;
import io.plumbline.collective.Collective;
import io.plumbline.collective.LocalRings;
import io.plumbline.objective.GoldenTensors;
import io.plumbline.objective.rollout.ClippedValue;
import io.plumbline.objective.rollout.GrpoLossTypes;
import io.plumbline.objective.rollout.GrpoSettings;
import io.plumbline.objective.rollout.KlEstimator;
import io.plumbline.objective.rollout.RolloutLogps;
import io.plumbline.objective.rollout.RolloutLoss;
import io.plumbline.objective.rollout.RolloutObjective;
import io.plumbline.reward.TokenRewards;
import io.plumbline.reward.TokenRewards.End;
import io.plumbline.train.Gang;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every number of a phase and an update of TRL's PPO trainer. */
class PpoGoldenTest {
  private static final JsonNode CASES = GoldenTensors.json("ppo/ppo.json");
  private static final GoldenTensors TENSORS = GoldenTensors.open("ppo/ppo.safetensors");
  private static final double CLOSE = 1e-5;

  /** Tokens of each completion: TRL's sequence_lengths are the last token's index. */
  private static final int[] LENGTHS = {12, 4, 1, 8, 10, 12, 6, 11};

  private static final int LONGEST = 12;

  private static Collective alone() {
    return LocalRings.create(1, Gang.DEADLINE).get(0);
  }

  static Stream<String> names() {
    List<String> names = new ArrayList<>();
    CASES.fieldNames().forEachRemaining(names::add);
    names.remove("helpers");
    return names.stream();
  }

  private static float[][] cut(String tensor, int more) {
    float[][] rows = TENSORS.rows(tensor);
    for (int i = 0; i < rows.length; i++) {
      rows[i] = Arrays.copyOf(rows[i], Math.min(LONGEST, LENGTHS[i] + more));
    }
    return rows;
  }

  private static List<Estimates> estimates(String name) {
    String[] parts = name.split("/", -1);
    String[] gammaAndLambda = parts[2].substring("gamma".length()).split("_lam", -1);
    GeneralizedAdvantage advantage =
        new GeneralizedAdvantage(
            Double.parseDouble(gammaAndLambda[0]), Double.parseDouble(gammaAndLambda[1]));
    TokenRewards tokenRewards =
        new TokenRewards(parts[0].equals("k1") ? KlEstimator.K1 : KlEstimator.K3, 0.05);
    float[][] logps = cut("inputs|logprobs", 0);
    float[][] reference = cut("inputs|ref_logprobs", 0);
    float[][] values = cut("inputs|values", 1);
    float[] scores = TENSORS.floats("inputs|scores");
    List<double[]> rewards = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      rewards.add(
          tokenRewards.of(
              logps[i],
              reference[i],
              new double[0],
              scores[i],
              LENGTHS[i] < LONGEST ? End.ENDED : End.CUT_OFF));
    }
    if (parts[1].endsWith("True")) {
      Whitening whitening = Whitening.over(alone(), rewards);
      rewards.replaceAll(of -> whitening.of(of, Whitening.Mean.KEPT));
    }
    float[][] expected = cut("rollout|" + name + "|rewards", 1);
    List<Estimates> estimates = new ArrayList<>();
    for (int i = 0; i < scores.length; i++) {
      assertClose(rewards.get(i), expected[i]);
      estimates.add(advantage.of(rewards.get(i), values[i]));
    }
    return estimates;
  }

  private static List<double[]> white(List<Estimates> estimates) {
    List<double[]> advantages = new ArrayList<>();
    for (int i = 0; i < LENGTHS.length; i++) {
      advantages.add(Arrays.copyOf(estimates.get(i).advantages(), LENGTHS[i]));
    }
    Whitening whitening = Whitening.over(alone(), advantages);
    advantages.replaceAll(of -> whitening.of(of, Whitening.Mean.REMOVED));
    return advantages;
  }

  @ParameterizedTest
  @MethodSource("names")
  void rewardsAdvantagesAndReturnsAreTrls(String name) {
    List<Estimates> estimates = estimates(name);
    List<double[]> advantages = white(estimates);

    float[][] returns = cut("rollout|" + name + "|returns", 1);
    float[][] white = cut("rollout|" + name + "|advantages", 0);
    for (int i = 0; i < LENGTHS.length; i++) {
      assertClose(estimates.get(i).returns(), returns[i]);
      assertClose(advantages.get(i), white[i]);
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void lossesAndGradientsAreTrls(String name) {
    List<Estimates> estimates = estimates(name);
    List<double[]> advantages = white(estimates);
    float[][] old = cut("inputs|logprobs", 0);
    float[][] policy = cut("inputs|new_logprobs", 0);
    float[][] values = cut("inputs|values", 1);
    float[][] said = cut("inputs|vpred", 1);
    float[][] byLogp = cut("update|" + name + "|grad_new_logprobs", 0);
    float[][] byValue = cut("update|" + name + "|grad_vpred", 1);
    RolloutObjective objective = GrpoLossTypes.of("bnpo", GrpoSettings.defaults());
    ClippedValue clippedValue = new ClippedValue(0.2);
    int tokens = Arrays.stream(LENGTHS).sum();
    int states = Arrays.stream(LENGTHS).map(n -> Math.min(LONGEST, n + 1)).sum();

    double policyLoss = 0;
    double valueLoss = 0;
    double clipped = 0;
    double valuesClipped = 0;
    double moved = 0;
    for (int i = 0; i < LENGTHS.length; i++) {
      byte[] all = new byte[LENGTHS[i]];
      Arrays.fill(all, (byte) 1);
      RolloutLoss loss =
          objective.loss(
              new RolloutLogps(
                  policy[i], old[i], new float[0], advantages.get(i), all, new float[LENGTHS[i]]),
              Double.NEGATIVE_INFINITY,
              1);
      policyLoss += loss.loss();
      clipped += loss.statistics().clippedLow() + loss.statistics().clippedHigh();
      for (int t = 0; t < LENGTHS[i]; t++) {
        assertThat(loss.byLogp()[t] / tokens).isCloseTo(byLogp[i][t], within((float) CLOSE));
        moved += Math.pow((double) policy[i][t] - old[i][t], 2);
      }
      for (int t = 0; t < said[i].length; t++) {
        ClippedValue.At at =
            clippedValue.at(said[i][t], values[i][t], estimates.get(i).returns()[t]);
        valueLoss += at.loss();
        valuesClipped += at.clipped() ? 1 : 0;
        assertThat(0.1 * at.slope() / states).isCloseTo(byValue[i][t], within(CLOSE));
      }
    }
    JsonNode expected = CASES.get(name);
    assertThat(policyLoss / tokens).isCloseTo(expected.get("pg_loss").asDouble(), within(CLOSE));
    assertThat(valueLoss / states).isCloseTo(expected.get("vf_loss").asDouble(), within(CLOSE));
    assertThat(policyLoss / tokens + 0.1 * valueLoss / states)
        .isCloseTo(expected.get("loss").asDouble(), within(CLOSE));
    assertThat(valuesClipped / states)
        .isCloseTo(expected.get("vf_clipfrac").asDouble(), within(CLOSE));
    assertThat(clipped / tokens).isCloseTo(expected.get("pg_clipfrac").asDouble(), within(CLOSE));
    // TRL's mean is over padding too.
    assertThat(moved / 2 / (LENGTHS.length * LONGEST))
        .isCloseTo(expected.get("approxkl").asDouble(), within(CLOSE));
  }

  @Test
  void whiteningIsTrls() {
    float[][] x = TENSORS.rows("helpers|x");
    float[][] removed = TENSORS.rows("helpers|masked_whiten");
    float[][] kept = TENSORS.rows("helpers|masked_whiten_noshift");
    byte[] mask = TENSORS.bytes("helpers|mask");
    List<double[]> counted = new ArrayList<>();
    for (int i = 0; i < x.length; i++) {
      float[] row = x[i];
      int at = i * row.length;
      counted.add(
          IntStream.range(0, row.length)
              .filter(t -> mask[at + t] == 1)
              .mapToDouble(t -> row[t])
              .toArray());
    }
    Whitening whitening = Whitening.over(alone(), counted);
    assertThat(whitening.mean())
        .isCloseTo(CASES.get("helpers").get("masked_mean").asDouble(), within(CLOSE));
    for (int i = 0; i < x.length; i++) {
      int next = 0;
      double[] without = whitening.of(counted.get(i), Whitening.Mean.REMOVED);
      double[] with = whitening.of(counted.get(i), Whitening.Mean.KEPT);
      for (int t = 0; t < x[i].length; t++) {
        if (mask[i * x[i].length + t] == 1) {
          assertThat(without[next]).isCloseTo(removed[i][t], within(CLOSE));
          assertThat(with[next++]).isCloseTo(kept[i][t], within(CLOSE));
        }
      }
    }
  }

  private static void assertClose(double[] actual, float[] expected) {
    assertThat(actual).hasSize(expected.length);
    for (int t = 0; t < actual.length; t++) {
      assertThat(actual[t]).isCloseTo(expected[t], within(CLOSE));
    }
  }
}
