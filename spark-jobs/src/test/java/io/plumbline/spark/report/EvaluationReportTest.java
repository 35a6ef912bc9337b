package io.plumbline.spark.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.spark.evaluate.Evaluation;
import io.plumbline.spark.evaluate.PairMetrics;
import io.plumbline.spark.inference.DecodingSettings;
import io.plumbline.statistics.Calibration;
import io.plumbline.statistics.Estimate;
import io.plumbline.statistics.Tilt;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;

class EvaluationReportTest {
  /** Two policies with everything measured, the second one on the frontier. */
  static Evaluation example(String text) {
    Random random = new Random(3);
    List<double[]> rewards = new ArrayList<>();
    for (int p = 0; p < 20; p++) {
      rewards.add(random.doubles(32).toArray());
    }
    Tilt.Optimum optimum = Tilt.optimum(rewards, 0.2);
    Evaluation.TiltResult tilt =
        new Evaluation.TiltResult(32, optimum, Tilt.frontier(rewards), Tilt.bestOfN(rewards));
    return new Evaluation(
        Optional.of("models/base"),
        OptionalDouble.of(0.2),
        Optional.of(new Evaluation.Prompts(20, List.of("answer"), DecodingSettings.greedy(8))),
        List.of(
            policy(text, new Estimate(0.5, 0.02, Double.NaN), 0, rewards, Optional.empty()),
            policy(
                "dpo",
                new Estimate(0.7, 0.02, Double.NaN),
                0.6,
                rewards,
                Optional.of(new Evaluation.WinRate(text, new Estimate(0.8, 0.04, Double.NaN))))),
        Optional.of(tilt),
        List.of(
            new Evaluation.Sample(
                text,
                List.of(
                    new Evaluation.Written(text, text, 0.25),
                    new Evaluation.Written("dpo", "", Double.NaN)))),
        Map.of());
  }

  private static Evaluation.Policy policy(
      String name,
      Estimate reward,
      double kl,
      List<double[]> rewards,
      Optional<Evaluation.WinRate> winRate) {
    Estimate distance = new Estimate(kl, 0.05, Double.NaN);
    Tilt.Place place = Tilt.place(rewards, distance);
    return new Evaluation.Policy(
        name,
        "models/" + name,
        Optional.of(
            new Evaluation.Completions(
                Optional.of(reward),
                Map.of("answer", reward.mean()),
                0,
                Optional.of(new Evaluation.Kl(distance, distance)),
                new Estimate(5.5, 0.1, Double.NaN),
                0.125)),
        Optional.of(
            new Evaluation.Preferences(
                new PairMetrics(50, 0.2, -0.1, 0.3, 0.5 + kl / 4, 0.5, -9, -8),
                0.05,
                0.02,
                0.04,
                List.of(
                    new Calibration.Bin(0, 0.75, 0.52, 0.55),
                    new Calibration.Bin(6, 0.25, 0.82, 0.75)))),
        winRate,
        Optional.of(new Evaluation.Frontier(place, Optional.of(new Evaluation.Share(0.9, 0.1)))));
  }

  @Test
  void textsOfTheRunStayTexts() throws IOException {
    String page = EvaluationReport.page(example(PageTest.HOSTILE)).render();

    assertThat(PageTest.tags(page))
        .noneMatch(tag -> tag.contains("img") || tag.contains("onerror"));
    JsonNode data = PageTest.embedded(page);
    assertThat(data.path("samples").path(0).path("prompt").asText()).isEqualTo(PageTest.ARRIVED);
    assertThat(data.path("policies").path(0).path("name").asText()).isEqualTo(PageTest.ARRIVED);
  }

  @Test
  void theVerdictNamesTheBestPolicyAndHowFarItCame() {
    assertThat(EvaluationReport.verdict(example("sft")))
        .startsWith("dpo has the highest mean reward at a KL of 0.60 nats: 0.70, 90 % of the way")
        .endsWith("dpo prefers the chosen side of 65 % of the pairs, the most.");
  }
}
