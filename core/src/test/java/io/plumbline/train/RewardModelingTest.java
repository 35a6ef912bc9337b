package io.plumbline.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.plumbline.Records;
import io.plumbline.data.TokenizedRow;
import io.plumbline.objective.score.BradleyTerry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

/** Loss, gradient and metrics of pairs whose scores are known. */
class RewardModelingTest {
  private static final Offset<Double> ROUNDING = within(1e-6);

  private final List<TokenizedRow> rows = new ArrayList<>();
  private final List<float[]> scores = new ArrayList<>();

  private RewardModelingTest pair(double chosen, double rejected, double margin) {
    rows.add(
        Records.with(
            TokenizedRow.of(rows.size(), new int[] {1}, List.of(new int[2], new int[3]), List.of()),
            "margin",
            margin));
    scores.add(new float[] {(float) chosen, (float) rejected});
    return this;
  }

  private List<float[]> accumulate(RewardModeling method, Sums sums) {
    WholeBatch<NoColumns> batch = Plain.batch(method, StepBatch.of(rows));
    List<Integer> slots = IntStream.range(0, rows.size()).boxed().toList();
    return method.loss(batch).accumulate(new MicroBatch(rows, slots), scores, sums);
  }

  private Map<String, Double> evaluated() {
    RewardModeling method = new RewardModeling(new BradleyTerry(0));
    Sums sums = new Sums(method.sums(), method.ranges());
    accumulate(method, sums);
    return method.evaluationMetrics(NoColumns.NONE, sums);
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  @Test
  void marginsOfRowsAndCenteringAreInLossAndGradient() {
    pair(1, 0, 2).pair(1, 0, Double.NaN).pair(0, 0.5, -1);
    RewardModeling method = new RewardModeling(new BradleyTerry(0.1));
    Sums sums = new Sums(method.sums(), method.ranges());
    List<float[]> gradients = accumulate(method, sums);

    double expected =
        -Math.log(sigmoid(1 - 2))
            - Math.log(sigmoid(1))
            - Math.log(sigmoid(-0.5 + 1))
            + 0.1 * (1 + 1 + 0.25);
    assertThat(method.metrics(NoColumns.NONE, sums).get("loss")).isCloseTo(expected / 3, ROUNDING);
    assertThat(method.normalizer(NoColumns.NONE, sums)).isEqualTo(3);
    double[] differences = {-1, 1, 0.5};
    double[] sidesTogether = {1, 1, 0.5};
    for (int i = 0; i < 3; i++) {
      double pull = 2 * 0.1 * sidesTogether[i];
      double push = 1 - sigmoid(differences[i]);
      assertThat((double) gradients.get(i)[0]).isCloseTo(-push + pull, ROUNDING);
      assertThat((double) gradients.get(i)[1]).isCloseTo(push + pull, ROUNDING);
    }
  }

  @Test
  void spreadAndAccuracyAreThoseOfAllScores() {
    Map<String, Double> metrics = pair(3, 1, 5).pair(-1, 1, 5).pair(2, 2, 5).evaluated();

    assertThat(metrics.get("accuracy")).isCloseTo(1.0 / 3, ROUNDING);
    assertThat(metrics.get("margin")).isCloseTo(0, ROUNDING);
    assertThat(metrics.get("min_reward")).isEqualTo(-1);
    assertThat(metrics.get("max_reward")).isEqualTo(3);
    assertThat(metrics.get("mean_reward")).isCloseTo(8.0 / 6, ROUNDING);
    // 3, 1, -1, 1, 2, 2: squares 20, mean 4/3.
    assertThat(metrics.get("reward_std")).isCloseTo(Math.sqrt(20.0 / 6 - 16.0 / 9), ROUNDING);
  }

  /** Three pairs are predicted with σ(1) = 0.73 and two of them rightly; one with 0.95. */
  @Test
  void calibrationComparesPredictedWithObserved() {
    Map<String, Double> metrics =
        pair(1, 0, 0).pair(2, 1, 0).pair(0, 1, 0).pair(3, 0, 0).evaluated();

    double sure = sigmoid(1);
    double surer = sigmoid(3);
    assertThat(metrics.get("calibration/4/share")).isCloseTo(0.75, ROUNDING);
    assertThat(metrics.get("calibration/4/predicted")).isCloseTo(sure, ROUNDING);
    assertThat(metrics.get("calibration/4/observed")).isCloseTo(2.0 / 3, ROUNDING);
    assertThat(metrics.get("calibration/9/share")).isCloseTo(0.25, ROUNDING);
    assertThat(metrics.get("calibration/9/predicted")).isCloseTo(surer, ROUNDING);
    assertThat(metrics.get("calibration/9/observed")).isEqualTo(1);
    assertThat(metrics.keySet()).filteredOn(name -> name.startsWith("calibration/")).hasSize(6);
    assertThat(metrics.get("calibration_error"))
        .isCloseTo(0.75 * (sure - 2.0 / 3) + 0.25 * (1 - surer), ROUNDING);
    assertThat(metrics.get("brier_score"))
        .isCloseTo(
            (2 * Math.pow(1 - sure, 2) + sure * sure + Math.pow(1 - surer, 2)) / 4, ROUNDING);
  }
}
