package io.plumbline.objective.pair;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Records;
import io.plumbline.objective.Close;
import io.plumbline.objective.GoldenTensors;
import io.plumbline.objective.TrlDefaults;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every loss and gradient of TRL's DPO trainer. */
class DpoGoldenTest {
  private static final int PAIRS = 32;
  private static final JsonNode CASES = GoldenTensors.json("dpo/dpo_losses.json");
  private static final GoldenTensors TENSORS = GoldenTensors.open("dpo/dpo_losses.safetensors");
  private static final float[][] POLICY = TENSORS.rows("inputs|policy_per_token_logps");
  private static final float[][] REFERENCE = TENSORS.rows("inputs|ref_per_token_logps");
  private static final float[][] SQUARES = TENSORS.rows("inputs|wpo_log_sum_sq_probs");
  private static final byte[][] COUNTED = TENSORS.shiftedMask("inputs|completion_mask");

  private record Case(PreferenceObjective objective, PreferenceSettings settings) {
    static Case of(JsonNode json) {
      JsonNode params = json.get("params");
      PreferenceSettings settings =
          Records.with(
              TrlDefaults.preference(),
              "beta",
              params.get("beta").asDouble(),
              "labelSmoothing",
              params.path("ls").asDouble(0),
              "divergence",
              Divergence.named(
                  params.path("fdiv").asText("reverse_kl"), params.path("alpha").asDouble(0.5)),
              "discopopTau",
              params.path("tau").asDouble(0.05),
              "ldAlpha",
              params.path("ld_alpha").asDouble(1),
              "weighting",
              params.has("use_weighting")
                  ? PreferenceSettings.Weighting.WPO
                  : PreferenceSettings.Weighting.NONE);
      List<String> types = new ArrayList<>();
      json.get("loss_types").forEach(type -> types.add(type.asText()));
      List<Double> weights = new ArrayList<>();
      params.path("weights").forEach(weight -> weights.add(weight.asDouble()));
      return new Case(LossTypes.of(types, weights, settings), settings);
    }

    /** What each token of a row is multiplied by; rows are 32 chosen, then 32 rejected. */
    float[] factors(int row) {
      int pair = row % PAIRS;
      int shared =
          Math.min(GoldenTensors.count(COUNTED[pair]), GoldenTensors.count(COUNTED[PAIRS + pair]));
      return new LengthDesensitized(settings.ldAlpha()).factors(COUNTED[row], shared);
    }

    PairLogps pair(int i, double meanChosenTokens) {
      return new PairLogps(
          LengthDesensitized.logp(POLICY[i], factors(i)),
          LengthDesensitized.logp(POLICY[PAIRS + i], factors(PAIRS + i)),
          LengthDesensitized.logp(REFERENCE[i], factors(i)),
          LengthDesensitized.logp(REFERENCE[PAIRS + i], factors(PAIRS + i)),
          GoldenTensors.count(COUNTED[i]),
          GoldenTensors.count(COUNTED[PAIRS + i]),
          0,
          0,
          meanChosenTokens,
          Double.NaN);
    }

    double weight(int i) {
      return switch (settings.weighting()) {
        case NONE -> 1;
        case WPO ->
            WeightedPreference.weight(POLICY[i], SQUARES[i], COUNTED[i])
                * WeightedPreference.weight(
                    POLICY[PAIRS + i], SQUARES[PAIRS + i], COUNTED[PAIRS + i]);
      };
    }
  }

  static Stream<String> names() {
    List<String> names = new ArrayList<>();
    CASES.fieldNames().forEachRemaining(names::add);
    return names.stream();
  }

  @ParameterizedTest
  @MethodSource("names")
  void lossAndGradientAreThoseOfTrl(String name) {
    Case golden = Case.of(CASES.get(name));
    double meanTokens = 0;
    for (int i = 0; i < PAIRS; i++) {
      meanTokens += (double) GoldenTensors.count(COUNTED[i]) / PAIRS;
    }
    List<PairLogps> batch = new ArrayList<>();
    for (int i = 0; i < PAIRS; i++) {
      batch.add(golden.pair(i, meanTokens));
    }
    List<PairLoss> losses = golden.objective().losses(batch);

    double loss = 0;
    float[][] byToken = TENSORS.rows(name + "|grad_per_token");
    float[] bySequence = TENSORS.floats(name + "|grad_seq_logp");
    for (int i = 0; i < PAIRS; i++) {
      PairLoss pair = losses.get(i).times(golden.weight(i));
      loss += pair.loss() / PAIRS;
      Close.check("chosen " + i, pair.byChosen(), bySequence[i] * PAIRS);
      Close.check("rejected " + i, pair.byRejected(), bySequence[PAIRS + i] * PAIRS);
      checkTokens(golden, i, pair.byChosen(), byToken);
      checkTokens(golden, PAIRS + i, pair.byRejected(), byToken);
    }
    JsonNode exact = CASES.get(name).get("loss_f64");
    Close.check("loss", loss, (exact.isNull() ? CASES.get(name).get("loss") : exact).asDouble());
  }

  private static void checkTokens(Case golden, int row, double gradient, float[][] expected) {
    float[] factors = golden.factors(row);
    for (int t = 0; t < factors.length; t++) {
      if (COUNTED[row][t] != 0) {
        Close.check("row " + row + " token " + t, gradient * factors[t], expected[row][t] * PAIRS);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void aBatchOfOnePairHasTheLossOfTrl(String name) {
    Case golden = Case.of(CASES.get(name));
    float[] expected = TENSORS.floats(name + "|loss_each_pair_alone");
    for (int i = 0; i < PAIRS; i++) {
      PairLogps pair = golden.pair(i, GoldenTensors.count(COUNTED[i]));
      Close.check(
          "pair " + i,
          golden.objective().losses(List.of(pair)).get(0).loss() * golden.weight(i),
          expected[i]);
    }
  }

  /** Adding a type without golden numbers from somewhere fails here. */
  @Test
  void everyTypeHasGoldenNumbersOrItsOwnTest() {
    Set<String> untested = new TreeSet<>(LossTypes.names());
    CASES.forEach(json -> json.get("loss_types").forEach(type -> untested.remove(type.asText())));

    assertThat(untested)
        .as("without a golden case: these have no reference implementation and tests of their own")
        .isEqualTo(Set.of("ipo_sum", "sppo", "sft_norm", "bco_pair_shifted"));
  }
}
