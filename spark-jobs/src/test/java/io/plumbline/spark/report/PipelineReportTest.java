package io.plumbline.spark.report;

import static io.plumbline.spark.report.PageTest.embedded;
import static io.plumbline.spark.report.PageTest.tags;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.spark.report.RouteComparison.Way;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** The page that compares routes, from an evaluation as evaluate writes it. */
class PipelineReportTest {
  private static final String EVALUATION =
      """
      {"reference": "o/stages-sft/checkpoint", "beta": 0.05,
       "policies": [
         {"name": "sft", "model": "o/stages-sft/checkpoint",
          "reward": {"mean": 0.31, "error": 0.02}, "kl": {"mean": 0, "error": 0},
          "length": {"mean": 21.5},
          "preferences": {"accuracy": 0.5, "accuracy_error": 0.03, "margin": 0,
                          "calibration_error": 0, "pairs": 303}},
         {"name": "dpo", "model": "o/stages-dpo/checkpoint/",
          "reward": {"mean": 0.7512, "error": 0.02}, "kl": {"mean": 3.25, "error": 0.2},
          "length": {"mean": 12.25},
          "preferences": {"accuracy": 0.91, "accuracy_error": 0.02, "margin": 2.5,
                          "calibration_error": 0.04, "pairs": 303},
          "win_rate": {"against": "sft", "rate": 0.84, "error": 0.02}},
         {"name": "ppo", "model": "elsewhere/ppo",
          "reward": {"mean": 0.93, "error": 0.01}, "kl": {"mean": 6, "error": 0.3},
          "length": {"mean": 9}}],
       "tilt": {"num_completions": 64, "beta": 0.05, "reward": {"mean": 0.97}, "kl": {"mean": 4},
                "frontier": [{"reward": {"mean": 0.97}, "kl": {"mean": 4}},
                             {"reward": {"mean": 0.6}, "kl": {"mean": 1}}]}}
      """;

  private static RouteComparison comparison(String json) {
    try {
      return RouteComparison.of(
          "compare",
          new ObjectMapper().readTree(json),
          model ->
              model.startsWith("o/stages-dpo")
                  ? Optional.of(new Way(List.of("base", "sft", "dpo"), 75, OptionalLong.of(1120)))
                  : Optional.empty());
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }

  static PipelineReportData everywhere(String text) {
    String quoted;
    try {
      quoted = new ObjectMapper().writeValueAsString(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
    return new PipelineReportData(
        text,
        List.of(
            new PipelineReportData.Stage(
                text,
                text,
                Map.of(text, text),
                List.of(text),
                new PipelineReportData.Course(text, 12, OptionalLong.of(3), "no " + text),
                text,
                Optional.of("stages-a/report.html"),
                List.of(Map.of("step", 1.0, "loss", 2.0), Map.of("step", 2.0, "loss", 1.0)))),
        List.of(
            comparison(
                EVALUATION
                    .replace("\"dpo\"", quoted)
                    .replace("\"sft\"", quoted)
                    .replace("\"o/stages-sft/checkpoint\"", quoted))));
  }

  @Test
  void theVerdictComesFirstAndRoutesStandSideBySide() throws IOException {
    String page =
        PipelineReport.render(
            new PipelineReportData("routes.yaml", List.of(), List.of(comparison(EVALUATION))));

    assertThat(page)
        .contains(
            "<p id=\"verdict\">ppo is the best of 3 routes on the held-out prompts: its mean reward"
                + " is 0.93 ± 0.01, 0.179 above dpo, the next (0.751 ± 0.02). Its KL from the"
                + " reference is 6 ± 0.3 nats a text.</p>")
        .contains("<td class=\"number\">0.751 ± 0.02</td><td class=\"number\">3.25 ± 0.2</td>")
        .contains("91.0 % ± 2.0 % of 303", "84.0 % ± 2.0 % against sft", "12.3")
        .contains("base → sft → dpo", "1 min 15 s", "1,120")
        .contains("ppo <span class=\"tag good\">best</span>")
        .contains("The ring is the optimum at beta 0.05, reward 0.97 at a KL of 4.");
    assertThat(page.indexOf("id=\"verdict\"")).isLessThan(page.indexOf("<table"));
    JsonNode plane = embedded(page).at("/planes/0");
    assertThat(plane.path("best").asText()).isEqualTo("ppo");
    assertThat(plane.at("/comparison/routes")).hasSize(3);
    assertThat(plane.at("/comparison/frontier")).hasSize(2);
    assertThat(plane.at("/comparison/optimum/kl").doubleValue()).isEqualTo(4);
  }

  @Test
  void aDifferenceThatChanceMakesIsNoVictory() {
    RouteComparison close =
        comparison(EVALUATION.replace("\"mean\": 0.93, \"error\": 0.01", "\"mean\": 0.76"));
    assertThat(RouteVerdict.of(close)).doesNotContain("equal");

    RouteComparison measured =
        comparison(
            EVALUATION.replace(
                "\"mean\": 0.93, \"error\": 0.01", "\"mean\": 0.76, \"error\": 0.01"));
    assertThat(RouteVerdict.of(measured))
        .contains("within 2 standard errors of the difference (0.0224): take the two for equal.");
  }

  @Test
  void withoutRewardsTheRoutesAreComparedByPreferences() {
    RouteComparison comparison =
        comparison(EVALUATION.replace("\"reward\":", "\"other\":").replace("\"kl\":", "\"k\":"));

    assertThat(RouteVerdict.of(comparison))
        .isEqualTo(
            "dpo is the best of 2 routes on the held-out pairs: it prefers the chosen side of 91.0 %"
                + " ± 2.0 %, and sft, the next, of 50.0 % ± 3.0 %.");
    assertThat(PipelineReport.render(new PipelineReportData("p", List.of(), List.of(comparison))))
        .doesNotContain("Reward over KL");
  }

  @Test
  void anEvaluationWithoutMeasuresIsShownAllTheSame() {
    RouteComparison nothing =
        comparison(
            "{\"policies\": [{\"name\": \"a\", \"model\": \"m\"}, {\"name\": \"b\", \"model\": \"n\"}]}");

    assertThat(PipelineReport.render(new PipelineReportData("p", List.of(), List.of(nothing))))
        .contains("nothing says which route is best", ">a</th>")
        .doesNotContain(">best</span>");
  }

  @Test
  void aPageThatNothingComparesSaysHowFarThePipelineIs() {
    assertThat(PipelineReport.render(new PipelineReportData("p", List.of(), List.of())))
        .contains("0 of 0 stages are done. No stage compares the routes");
  }

  @Test
  void thePageAsksForNothing() {
    String page = PipelineReport.render(everywhere("calm"));

    assertThat(page)
        .contains(
            "default-src 'none'", "color-scheme: light dark", "light-dark(", "name=\"viewport\"")
        .doesNotContain("url(", "@import", "src=");
    assertThat(tags(page)).noneMatch(tag -> tag.contains("://"));
  }

  @Test
  void aStageIsDrawnByTheFirstKeyMetricThatTwoStepsHave() throws IOException {
    JsonNode data = embedded(PipelineReport.render(everywhere("calm")));

    assertThat(data.at("/curves/0/metric").asText()).isEqualTo("loss");
    assertThat(data.at("/curves/0/curves/last")).hasSize(2);
    assertThat(data.at("/seconds/0").doubleValue()).isEqualTo(12);
  }

  @Property(tries = 200)
  void textsAddNoMarkup(@ForAll String text) {
    assertThat(tags(PipelineReport.render(everywhere(text))))
        .isEqualTo(tags(PipelineReport.render(everywhere("calm"))));
  }

  @Test
  void hostileTextsAddNoMarkup() {
    String hostile =
        "</title></style></svg><script>alert(1)</script><img src=x onerror=alert(1)>\"'&lt;\u0000";

    String page = PipelineReport.render(everywhere(hostile));

    assertThat(tags(page)).isEqualTo(tags(PipelineReport.render(everywhere("calm"))));
    assertThat(page).contains("&lt;script&gt;alert(1)").doesNotContain("<script>alert", "\u0000");
  }
}
