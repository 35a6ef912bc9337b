package io.plumbline.spark.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Fixtures;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.reference.GoldenPairs;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.junit.jupiter.api.Test;

class PairEvaluationTest {
  private static TokenizedRow pair(float[] referenceChosen, float[] referenceRejected) {
    return TokenizedRow.of(
            0,
            new int[] {1},
            List.of(new int[referenceChosen.length], new int[referenceRejected.length]),
            List.of())
        .withReferenceLogps(List.of(referenceChosen, referenceRejected));
  }

  @Test
  void measuresByHandWorkedPairs() {
    List<TokenizedRow> pairs =
        List.of(
            pair(new float[] {-2, -2}, new float[] {-1, -1, -1, -1}),
            pair(new float[] {-1}, new float[] {-3, -3}));
    List<List<float[]>> policy =
        List.of(
            List.of(new float[] {-1, -1}, new float[] {-2, -2, -2, -2}),
            List.of(new float[] {-4}, new float[] {-1, -2}));

    PairMetrics metrics = PairEvaluation.of(pairs, policy, 0.5);

    // First pair: 0.5 · (−2 + 4) = 1 and 0.5 · (−8 + 4) = −2; second: −1.5 and 0.5 · (−3 + 6) =
    // 1.5.
    assertThat(metrics.pairs()).isEqualTo(2);
    assertThat(metrics.rewardsChosen()).isEqualTo(-0.25);
    assertThat(metrics.rewardsRejected()).isEqualTo(-0.25);
    assertThat(metrics.margin()).isEqualTo(0.0);
    assertThat(metrics.accuracy()).isEqualTo(0.5);
    assertThat(metrics.prefersChosen()).isEqualTo(0.5);
    assertThat(metrics.logpsChosen()).isEqualTo(-3.0);
    assertThat(metrics.logpsRejected()).isEqualTo(-5.5);
    assertThat(metrics.metrics("eval_")).containsEntry("eval_rewards/accuracies", 0.5);
  }

  @Test
  void comparesLengthNormalisedPreferenceWithoutTheReference() {
    // In sum the rejected side is likelier, by token the chosen one is.
    PairMetrics metrics =
        PairEvaluation.of(
            List.of(pair(new float[4], new float[1])),
            List.of(List.of(new float[] {-1, -1, -1, -1}, new float[] {-2})),
            0.1);

    assertThat(metrics.prefersChosen()).isEqualTo(1.0);
    assertThat(metrics.accuracy()).isZero();
  }

  @Test
  void leavesMaskedTokensOut() {
    TokenizedRow row =
        TokenizedRow.of(
                0,
                new int[0],
                List.of(new int[] {5, 6}, new int[] {5, 7}),
                List.of(new byte[] {0, 1}, new byte[] {0, 1}))
            .withReferenceLogps(List.of(new float[] {-9, -1}, new float[] {-9, -1}));

    PairMetrics metrics =
        PairEvaluation.of(
            List.of(row), List.of(List.of(new float[] {0, -0.5f}, new float[] {0, -3})), 1.0);

    assertThat(metrics.rewardsChosen()).isEqualTo(0.5);
    assertThat(metrics.rewardsRejected()).isEqualTo(-2.0);
  }

  @Test
  void refusesRowsThatAreNotPairs() {
    TokenizedRow single = TokenizedRow.of(4, new int[] {1}, List.of(new int[] {2}), List.of());
    assertThatThrownBy(
            () -> PairEvaluation.of(List.of(single), List.of(List.of(new float[1])), 0.1))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Row 4 has 1 completions");
    assertThatThrownBy(() -> PairEvaluation.of(List.of(), List.of(), 0.1))
        .hasMessageContaining("no pair");
  }

  @Test
  void overSparkItAddsUpTheSame() throws IOException {
    GoldenPairs golden = GoldenPairs.read();
    // A reference that gives 0 everywhere makes rewards of the sums themselves.
    List<TokenizedRow> rows =
        golden.rows().stream()
            .map(
                row ->
                    row.withReferenceLogps(
                        row.completions().stream().map(ids -> new float[ids.length]).toList()))
            .toList();
    JavaRDD<TokenizedRow> rdd = LocalSpark.context().parallelize(rows, 3);

    PairMetrics metrics =
        PairEvaluation.run(
            Storage.local(),
            rdd,
            Fixtures.golden("models/llama").toString(),
            ComputeDtype.F32,
            0.1,
            1024,
            1);

    double chosen = mean(golden.chosenLogps());
    double rejected = mean(golden.rejectedLogps());
    assertThat(metrics.pairs()).isEqualTo(64);
    assertThat(metrics.logpsChosen()).isCloseTo(chosen, within(1e-4));
    assertThat(metrics.logpsRejected()).isCloseTo(rejected, within(1e-4));
    assertThat(metrics.margin()).isCloseTo(0.1 * (chosen - rejected), within(1e-4));
    long accurate = 0;
    for (int i = 0; i < 64; i++) {
      accurate += golden.chosenLogps().get(i) > golden.rejectedLogps().get(i) ? 1 : 0;
    }
    assertThat(metrics.accuracy()).isEqualTo(accurate / 64.0);
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
