package io.plumbline.objective;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.Records;
import io.plumbline.objective.pair.CpoLossTypes;
import io.plumbline.objective.pair.OddsRatio;
import io.plumbline.objective.pair.PairLoss;
import io.plumbline.objective.pair.PairObjective;
import io.plumbline.objective.pair.PolicyObjective;
import io.plumbline.objective.unpaired.Desirability;
import io.plumbline.objective.unpaired.KtoLossTypes;
import io.plumbline.objective.unpaired.KtoSettings;
import io.plumbline.objective.unpaired.UnpairedLoss;
import io.plumbline.objective.unpaired.UnpairedObjective;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every loss and gradient of TRL's KTO, CPO and ORPO trainers. */
class KtoOrpoCpoGoldenTest {
  /** Golden log-probabilities are per token already; any lengths must give the same. */
  private static final int CHOSEN_TOKENS = 3;

  private static final int REJECTED_TOKENS = 5;

  private static final JsonNode CASES = GoldenTensors.json("kto_orpo_cpo/kto_orpo_cpo.json");
  private static final GoldenTensors TENSORS =
      GoldenTensors.open("kto_orpo_cpo/kto_orpo_cpo.safetensors");

  private static Stream<String> names(String prefix) {
    List<String> names = new ArrayList<>();
    CASES.fieldNames().forEachRemaining(names::add);
    return names.stream().filter(name -> name.startsWith(prefix));
  }

  static Stream<String> kto() {
    return names("kto|");
  }

  static Stream<String> cpo() {
    return names("cpo|");
  }

  static Stream<String> orpo() {
    return names("orpo|");
  }

  @ParameterizedTest
  @MethodSource("kto")
  void ktoIsThatOfTrl(String name) {
    String[] parts = name.substring("kto|".length()).split("/", -1);
    String[] weights = parts[2].substring("w".length()).split("_", -1);
    double beta = Double.parseDouble(parts[1].substring("beta".length()));
    UnpairedObjective objective =
        KtoLossTypes.of(
            parts[0],
            new KtoSettings(beta, Double.parseDouble(weights[0]), Double.parseDouble(weights[1])));
    float[] mismatched = TENSORS.floats("kto|inputs|KL_logps");
    float[] mismatchedReference =
        TENSORS.floats("kto|inputs|ref_KL_logps" + (parts[3].equals("klneg") ? "_neg" : ""));
    double kl =
        UnpairedObjective.kl(
            GoldenTensors.sum(mismatched) - GoldenTensors.sum(mismatchedReference),
            mismatched.length);
    JsonNode expected = CASES.get(name);
    if (objective.needsKl()) {
      Close.check("kl", kl, expected.get("kl").asDouble());
    }

    float[][] policy = TENSORS.rows("kto|inputs|policy_per_token_logps");
    float[][] reference = TENSORS.rows("kto|inputs|ref_per_token_logps");
    byte[][] counted = TENSORS.shiftedMask("kto|inputs|completion_mask");
    byte[] labels = TENSORS.bytes("kto|inputs|label");
    float[][] gradient = TENSORS.rows(name + "|grad_per_token");
    double loss = 0;
    for (int i = 0; i < labels.length; i++) {
      UnpairedLoss row =
          objective.loss(
              GoldenTensors.sum(policy[i]),
              GoldenTensors.sum(reference[i]),
              labels[i] == 1 ? Desirability.DESIRABLE : Desirability.UNDESIRABLE,
              kl);
      loss += row.loss() / labels.length;
      for (int t = 0; t < counted[i].length; t++) {
        if (counted[i][t] != 0) {
          Close.check("row " + i, row.byPolicy(), gradient[i][t] * labels.length);
        }
      }
    }
    Close.check("loss", loss, expected.get("loss").asDouble());
    assertThat(labels).contains((byte) 0, (byte) 1);
  }

  @ParameterizedTest
  @MethodSource("cpo")
  void cpoIsThatOfTrl(String name) {
    String[] parts = name.substring("cpo|".length()).split("/", -1);
    double beta = Double.parseDouble(parts[1].substring("beta".length()));
    double smoothing = Double.parseDouble(parts[2].substring("ls".length()));
    boolean smoothed = parts[0].equals("sigmoid") || parts[0].equals("simpo");
    PolicyObjective objective =
        (PolicyObjective)
            CpoLossTypes.of(
                parts[0],
                Records.with(
                    TrlDefaults.cpo(),
                    "beta",
                    beta,
                    "labelSmoothing",
                    smoothed ? smoothing : 0,
                    "simpoGamma",
                    CASES.get(name).get("simpo_gamma").asDouble(),
                    "alpha",
                    Double.parseDouble(parts[3].substring("alpha".length())),
                    "cpoAlpha",
                    0));
    boolean perToken = parts[0].equals("ipo") || parts[0].equals("simpo");
    assertThat(objective.lengths()).isEqualTo(perToken ? Lengths.PER_TOKEN : Lengths.SUMMED);

    check(
        objective,
        perToken,
        TENSORS.floats(name + "|losses"),
        TENSORS.floats(name + "|grad_chosen"),
        TENSORS.floats(name + "|grad_rejected"));
    float[] chosen = TENSORS.floats("cpo|inputs|policy_chosen_logps");
    float[] rewards = TENSORS.floats(name + "|chosen_rewards");
    for (int i = 0; i < chosen.length; i++) {
      Close.check("reward " + i, beta * objective.shaped(chosen[i]), rewards[i]);
    }
  }

  @ParameterizedTest
  @MethodSource("orpo")
  void oddsRatioIsThatOfTrl(String name) {
    float[] minusLosses = TENSORS.floats(name + "|or_losses");
    float[] losses = new float[minusLosses.length];
    for (int i = 0; i < losses.length; i++) {
      losses[i] = -minusLosses[i];
    }
    check(
        new OddsRatio(Double.parseDouble(name.substring("orpo|beta".length()))),
        true,
        losses,
        TENSORS.floats(name + "|grad_chosen_of_minus_mean"),
        TENSORS.floats(name + "|grad_rejected_of_minus_mean"));
  }

  private static void check(
      PairObjective objective,
      boolean perToken,
      float[] losses,
      float[] byChosen,
      float[] byRejected) {
    float[] chosen = TENSORS.floats("cpo|inputs|policy_chosen_logps");
    float[] rejected = TENSORS.floats("cpo|inputs|policy_rejected_logps");
    int chosenTokens = perToken ? CHOSEN_TOKENS : 1;
    int rejectedTokens = perToken ? REJECTED_TOKENS : 1;
    assertThat(objective.needsReference()).isFalse();
    for (int i = 0; i < chosen.length; i++) {
      PairLoss pair =
          objective.loss(
              Objectives.pair(
                  (double) chosen[i] * chosenTokens,
                  (double) rejected[i] * rejectedTokens, // A reference that must not matter.
                  -7,
                  -3,
                  CHOSEN_TOKENS,
                  REJECTED_TOKENS));
      Close.check("loss " + i, pair.loss(), losses[i]);
      Close.check("chosen " + i, pair.byChosen() * chosenTokens, byChosen[i] * chosen.length);
      Close.check(
          "rejected " + i, pair.byRejected() * rejectedTokens, byRejected[i] * chosen.length);
    }
  }

  /** alphapo is simpo with α and without a likelihood part. */
  @Test
  void everyTypeHasGoldenNumbers() {
    Set<String> cpo = new TreeSet<>(Set.of("alphapo"));
    cpo().forEach(name -> cpo.add(name.substring("cpo|".length(), name.indexOf('/'))));
    assertThat(cpo).containsExactlyInAnyOrderElementsOf(CpoLossTypes.names());

    Set<String> kto = new TreeSet<>();
    kto().forEach(name -> kto.add(name.substring("kto|".length(), name.indexOf('/'))));
    assertThat(kto).containsExactlyInAnyOrderElementsOf(KtoLossTypes.names());
    assertThat(orpo()).hasSize(2);
  }
}
