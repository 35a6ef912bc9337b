package io.plumbline.objective.rollout;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Records;
import io.plumbline.objective.Close;
import io.plumbline.objective.GoldenTensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every loss and gradient of TRL's GRPO and RLOO trainers. */
class GrpoGoldenTest {
  private static final JsonNode CASES = GoldenTensors.json("grpo/grpo.json").get("loss");
  private static final JsonNode RLOO_CASES = GoldenTensors.json("rloo/rloo.json");
  private static final GoldenTensors TENSORS = GoldenTensors.open("grpo/grpo.safetensors");
  private static final GoldenTensors RLOO = GoldenTensors.open("rloo/rloo.safetensors");
  private static final float[][] POLICY = TENSORS.rows("inputs|per_token_logps");
  private static final float[][] OLD = TENSORS.rows("inputs|old_per_token_logps");
  private static final float[][] REFERENCE = TENSORS.rows("inputs|ref_per_token_logps");
  private static final float[][] ENTROPIES = TENSORS.rows("inputs|entropies");
  private static final byte[][] COUNTED = TENSORS.mask("inputs|completion_mask");
  private static final float[] ADVANTAGES =
      TENSORS.floats("advantages|one_func/sum_then_normalize/group");
  private static final int ROWS = POLICY.length;
  private static final int MAX_LENGTH = 16;

  static Stream<String> names() {
    return names(CASES);
  }

  static Stream<String> rlooNames() {
    return names(RLOO_CASES);
  }

  private static Stream<String> names(JsonNode cases) {
    List<String> names = new ArrayList<>();
    cases.fieldNames().forEachRemaining(names::add);
    return names.stream();
  }

  /** Without what the type ignores, which would be refused. */
  private static RolloutObjective objective(JsonNode params) {
    String type = params.get("loss_type").asText();
    boolean sequence = params.get("level").asText().equals("sequence");
    GrpoSettings settings =
        Records.with(
            GrpoSettings.defaults(),
            "beta",
            params.get("beta").asDouble(),
            "estimator",
            KlEstimator.K3,
            "correction",
            params.path("kl_bias").asBoolean() ? KlCorrection.IMPORTANCE_RATIO : KlCorrection.NONE,
            "entropyCoef",
            params.path("ent_coef").asDouble(0),
            "offPolicyMaskThreshold",
            params.path("opm").asDouble(Double.POSITIVE_INFINITY),
            "maxCompletionLength",
            MAX_LENGTH);
    if (params.get("delta").isNumber()) {
      settings = Records.with(settings, "delta", params.get("delta").asDouble());
    }
    if (!Set.of("sapo", "vespo", "cispo").contains(type)) {
      settings =
          Records.with(
              settings,
              "epsilon",
              params.get("eps").asDouble(),
              "epsilonHigh",
              params.get("eps_hi").asDouble());
    }
    if (type.equals("cispo")) {
      settings = Records.with(settings, "epsilonHigh", params.get("eps_hi").asDouble());
    }
    if (!sequence) {
      return GrpoLossTypes.of(type, settings);
    }
    GrpoSettings ofSequences =
        Records.with(settings, "importanceSamplingLevel", ImportanceSamplingLevel.SEQUENCE);
    if (!type.equals("vespo")) {
      return GrpoLossTypes.of(type, ofSequences);
    }
    // TRL warns of it; only the correction of the KL sees it.
    PolicyGradient vespo = (PolicyGradient) GrpoLossTypes.of(type, settings);
    return new PolicyGradient(
        vespo.surrogate(), vespo.ratioOf(), vespo.weighing(), vespo.normalization(), ofSequences);
  }

  private static double normalizer(RolloutObjective objective) {
    return switch (objective.normalization()) {
      case SEQUENCES -> ROWS;
      case TOKENS -> Arrays.stream(COUNTED).mapToInt(GoldenTensors::count).sum();
      case SEQUENCES_TIMES_MAX_LENGTH -> ROWS * MAX_LENGTH;
    };
  }

  private static RolloutLogps rollout(int i, float[] old, boolean referenced, float advantage) {
    double[] advantages = new double[POLICY[i].length];
    Arrays.fill(advantages, advantage);
    return new RolloutLogps(
        POLICY[i],
        old,
        referenced ? REFERENCE[i] : new float[0],
        advantages,
        COUNTED[i],
        ENTROPIES[i]);
  }

  private static double[] countedEntropies() {
    List<Double> entropies = new ArrayList<>();
    for (int i = 0; i < ROWS; i++) {
      for (int t = 0; t < COUNTED[i].length; t++) {
        if (COUNTED[i][t] != 0) {
          entropies.add((double) ENTROPIES[i][t]);
        }
      }
    }
    return entropies.stream().mapToDouble(Double::doubleValue).toArray();
  }

  @ParameterizedTest
  @MethodSource("names")
  void lossAndGradientsAreThoseOfTrl(String name) {
    JsonNode params = CASES.get(name).get("params");
    RolloutObjective objective = objective(params);
    double[] entropies = countedEntropies();
    double threshold =
        RolloutObjective.entropyThreshold(entropies, params.path("topq").asDouble(1));
    double learned = Arrays.stream(entropies).filter(entropy -> entropy >= threshold).count();
    double normalizer = normalizer(objective);
    boolean old = params.get("old").asBoolean();
    boolean referenced = params.get("beta").asDouble() > 0;
    boolean bonus = params.has("ent_coef");

    float[][] byLogp = TENSORS.rows("loss|" + name + "|grad_per_token_logps");
    float[][] byEntropy = bonus ? TENSORS.rows("loss|" + name + "|grad_entropies") : null;
    double sum = 0;
    double kl = 0;
    double[] clipped = new double[4];
    for (int i = 0; i < ROWS; i++) {
      RolloutLoss loss =
          objective.loss(
              rollout(i, old ? OLD[i] : new float[0], referenced, ADVANTAGES[i]),
              threshold,
              normalizer / learned);
      sum += loss.loss();
      kl += loss.statistics().kl();
      clipped[0] += loss.statistics().clippedLow();
      clipped[1] += loss.statistics().clippedHigh();
      clipped[2] += loss.statistics().clippedLow() / GoldenTensors.count(COUNTED[i]);
      clipped[3] += loss.statistics().clippedHigh() / GoldenTensors.count(COUNTED[i]);
      check(name + " row " + i, loss.byLogp(), byLogp[i], normalizer);
      if (byEntropy == null) {
        assertThat(loss.byEntropy()).isEmpty();
      } else {
        check(name + " entropies " + i, loss.byEntropy(), byEntropy[i], normalizer);
      }
    }
    Close.check("loss", sum / normalizer, CASES.get(name).get("loss_f64").asDouble());

    JsonNode metrics = CASES.get(name).get("metrics");
    if (referenced) {
      Close.check("kl", kl / entropies.length, metrics.get("kl").asDouble());
    }
    boolean sequence = params.get("level").asText().equals("sequence");
    double low = sequence ? clipped[2] / ROWS : clipped[0] / entropies.length;
    double high = sequence ? clipped[3] / ROWS : clipped[1] / entropies.length;
    Close.check("low", low, metrics.path("clip_ratio/low_mean").asDouble(0));
    Close.check(
        "high",
        high,
        metrics.path("clip_ratio/high_mean").asDouble(metrics.path("cispo_clip_ratio").asDouble()));
  }

  /** As those of the batch's loss, and so much larger as one completion is less than the batch. */
  private static void check(String what, float[] actual, float[] expected, double normalizer) {
    for (int t = 0; t < expected.length; t++) {
      Close.check(what + " token " + t, actual[t], expected[t] * normalizer);
    }
  }

  @ParameterizedTest
  @MethodSource("rlooNames")
  void rlooIsThatOfTrl(String name) {
    String[] epsilons = name.substring("eps".length()).split("_", -1);
    RolloutObjective objective =
        GrpoLossTypes.of(
            "rloo",
            Records.with(
                GrpoSettings.defaults(),
                "epsilon",
                Double.parseDouble(epsilons[0]),
                "epsilonHigh",
                Double.parseDouble(epsilons[1])));
    assertThat(objective.normalization()).isEqualTo(RolloutObjective.Normalization.SEQUENCES);
    float[] advantages = RLOO.floats("advantages|one_func/beta0.05/norm_False");
    float[][] byLogp = RLOO.rows("loss|" + name + "|grad_per_token_logps");
    double sum = 0;
    for (int i = 0; i < ROWS; i++) {
      RolloutLoss loss =
          LoneRollout.loss(
              objective, rollout(i, OLD[i], false, advantages[i]), Double.NEGATIVE_INFINITY);
      sum += loss.loss();
      check("row " + i, loss.byLogp(), byLogp[i], ROWS);
    }
    Close.check("loss", sum / ROWS, RLOO_CASES.get(name).get("loss").asDouble());
  }

  @Test
  void everyTypeHasGoldenNumbers() {
    Set<String> types = new TreeSet<>(Set.of("rloo"));
    names().forEach(name -> types.add(CASES.get(name).get("params").get("loss_type").asText()));
    assertThat(types).containsExactlyInAnyOrderElementsOf(GrpoLossTypes.names());
    assertThat(rlooNames()).hasSize(2);
  }
}
