package io.plumbline.objective;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Records;
import io.plumbline.objective.pair.BatchObjective;
import io.plumbline.objective.pair.LossTypes;
import io.plumbline.objective.pair.PairLogps;
import io.plumbline.objective.pair.PairLoss;
import io.plumbline.objective.pair.PreferenceObjective;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each pair's loss and gradient in TRL 0.24, which had what TRL 1.16 has not. */
class OlderTrlGoldenTest {
  /** These had their smoothing; the others were given one and did not look at it. */
  private static final Set<String> SMOOTHED = Set.of("sigmoid", "robust", "exo_pair", "aot");

  /** TRL 0.24's {@code reference_free} left these as they were, with a reference. */
  private static final Set<String> NEVER_REFERENCE_FREE =
      Set.of("sppo_hard", "nca_pair", "aot", "discopop");

  private static final JsonNode CASES = GoldenTensors.json("dpo/dpo_loss_trl0.24.json");
  private static final GoldenTensors TENSORS =
      GoldenTensors.open("dpo/dpo_loss_trl0.24.safetensors");

  static Stream<String> names() {
    List<String> names = new ArrayList<>();
    CASES.fieldNames().forEachRemaining(names::add);
    return names.stream();
  }

  @ParameterizedTest
  @MethodSource("names")
  void lossesGradientsAndRewardsAreThoseOfTrl(String name) {
    String[] parts = name.split("/", -1);
    String type = parts[0].equals("ipo") ? "ipo_sum" : parts[0];
    double beta = Double.parseDouble(parts[1].substring("beta".length()));
    double smoothing = Double.parseDouble(parts[2].substring("ls".length()));
    boolean referenceFree = parts[3].equals("ref_free") && !NEVER_REFERENCE_FREE.contains(type);
    PreferenceObjective objective =
        LossTypes.of(
            type,
            Records.with(
                TrlDefaults.preference(),
                "beta",
                beta,
                "labelSmoothing",
                SMOOTHED.contains(type) ? smoothing : 0));

    float[] policyChosen = TENSORS.floats("inputs|policy_chosen");
    float[] policyRejected = TENSORS.floats("inputs|policy_rejected");
    float[] referenceChosen = TENSORS.floats("inputs|ref_chosen");
    float[] referenceRejected = TENSORS.floats("inputs|ref_rejected");
    int pairs = policyChosen.length;
    List<PairLogps> batch = new ArrayList<>();
    for (int i = 0; i < pairs; i++) {
      batch.add(
          Objectives.pair(
              policyChosen[i],
              policyRejected[i],
              referenceFree ? 0 : referenceChosen[i],
              referenceFree ? 0 : referenceRejected[i],
              1,
              1));
    }
    List<PairLoss> losses = objective.losses(batch);

    double[] actual = losses.stream().mapToDouble(PairLoss::loss).toArray();
    double mean = Arrays.stream(actual).average().orElseThrow();
    float[] expected = TENSORS.floats(name + "|losses");
    if (objective instanceof BatchObjective) {
      // TRL gives the losses by rank.
      Arrays.sort(actual);
      Arrays.sort(expected);
    }
    float[] byChosen = TENSORS.floats(name + "|grad_chosen");
    float[] byRejected = TENSORS.floats(name + "|grad_rejected");
    float[] chosenRewards = TENSORS.floats(name + "|chosen_rewards");
    for (int i = 0; i < pairs; i++) {
      Close.check("loss " + i, actual[i], expected[i]);
      Close.check("chosen " + i, losses.get(i).byChosen(), byChosen[i] * pairs);
      Close.check("rejected " + i, losses.get(i).byRejected(), byRejected[i] * pairs);
      if (!referenceFree) {
        Close.check("reward " + i, beta * batch.get(i).chosenLogRatio(), chosenRewards[i]);
      }
    }
    Close.check("mean", mean, CASES.get(name).get("mean_loss").asDouble());
    assertThat(pairs).isEqualTo(32);
  }
}
