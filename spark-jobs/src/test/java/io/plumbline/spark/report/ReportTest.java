package io.plumbline.spark.report;

import static io.plumbline.spark.report.PageTest.ARRIVED;
import static io.plumbline.spark.report.PageTest.HOSTILE;
import static io.plumbline.spark.report.PageTest.embedded;
import static io.plumbline.spark.report.PageTest.tags;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.spark.report.ReportData.Better;
import io.plumbline.spark.report.ReportData.Bin;
import io.plumbline.spark.report.ReportData.Rollout;
import io.plumbline.spark.report.ReportData.RolloutGroup;
import io.plumbline.spark.report.ReportData.ScoredSide;
import io.plumbline.spark.report.ReportData.Side;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ReportTest {
  private static ReportData everywhere(String text) {
    return ReportData.titled(text)
        .verdict(text)
        .comparison(text, text, Double.NaN, 1, Better.HIGHER)
        .calibration(
            new ReportData.Calibration(
                OptionalLong.of(3), List.of(), List.of(new Bin(0.5, 0.55, 1, 0.52, 0.5))))
        .stage(
            text,
            Curves.of(List.of(Map.of("step", 1.0, text, 2.0)), any -> true),
            OptionalLong.of(1))
        .histogram(Histogram.of(text, text, Map.of(text, new double[] {1, 2, 3})))
        .sample(text, text, text, new Side(text, text), new Side(text, text))
        .scoredRow(text, List.of(new ScoredSide(text, text, Double.NaN, 1)))
        .rolloutGroup(
            new RolloutGroup(
                1, text, 2, List.of(new Rollout(text, Double.NaN, 1, Map.of(text, 1.0), text))))
        .warning(text)
        .remark(text)
        .count(text, 3)
        .refusal(text, 1, text)
        .refusedRow(text)
        .configuration(text, text, Optional.of(text))
        .provenance(text, text)
        .timing(text, 1.5)
        .build();
  }

  @Test
  void hostileTextAddsNoMarkup() throws IOException {
    String page = Report.render(everywhere(HOSTILE));
    String calm = Report.render(everywhere("calm"));

    assertThat(tags(page)).isEqualTo(tags(calm));
    JsonNode data = embedded(page);
    assertThat(data.get("title").textValue()).isEqualTo(ARRIVED);
    JsonNode side = data.at("/texts/samples").get(0).get("data").get(1);
    assertThat(side.get("label").textValue()).isEqualTo(ARRIVED);
    assertThat(side.get("text").textValue()).isEqualTo(ARRIVED);
    JsonNode scored = data.at("/texts/scoredRows").get(0);
    assertThat(scored.get("prompt").textValue()).isEqualTo(ARRIVED);
    assertThat(scored.get("sides").get(0).get("text").textValue()).isEqualTo(ARRIVED);
    assertThat(scored.get("sides").get(0).get("before").textValue()).isEqualTo("NaN");
    assertThat(data.get("warnings").get(0).textValue()).isEqualTo(ARRIVED);
    assertThat(data.at("/rows/remarks").get(0).textValue()).isEqualTo(ARRIVED);
    assertThat(data.get("configuration").get(0).get("name").textValue()).isEqualTo(ARRIVED);
    assertThat(data.at("/rows/quarantine").get(0).get("firstPlace").textValue()).isEqualTo(ARRIVED);
  }

  @Property(tries = 200)
  void embeddedTextSurvives(@ForAll String text) throws IOException {
    String page = Report.render(everywhere(text));
    byte[] written = page.getBytes(StandardCharsets.UTF_8);
    JsonNode data = embedded(new String(written, StandardCharsets.UTF_8));

    String arrived = new String(text.getBytes(StandardCharsets.UTF_16), StandardCharsets.UTF_16);
    assertThat(data.at("/texts/samples").get(0).get("before").textValue()).isEqualTo(arrived);
    assertThat(tags(page)).isEqualTo(tags(Report.render(everywhere("calm"))));
  }

  @Test
  void theKeptStepAndTheBinsOfADiagramReachThePage() throws IOException {
    ReportData.Calibration calibration =
        new ReportData.Calibration(
            OptionalLong.of(40),
            List.of(new Bin(0.5, 0.55, 1, 0.52, 0.5)),
            List.of(new Bin(0.9, 0.95, 0.25, 0.93, 1), new Bin(0.95, 1, 0.75, 0.99, 0.9)));
    JsonNode data =
        embedded(
            Report.render(
                ReportData.titled("t")
                    .calibration(calibration)
                    .stage(
                        "reward",
                        Curves.of(List.of(Map.of("step", 1.0)), any -> true),
                        OptionalLong.of(1))
                    .build()));

    assertThat(data.at("/measured/calibration").get("pairs").longValue()).isEqualTo(40);
    assertThat(data.at("/measured/calibration").get("before")).hasSize(1);
    assertThat(data.at("/measured/calibration").get("after").get(1).get("observed").doubleValue())
        .isEqualTo(0.9);
    assertThat(data.at("/charts/stages").get(0).get("kept").longValue()).isEqualTo(1);
    JsonNode without = embedded(Report.render(ReportData.titled("t").build()));
    assertThat(without.at("/measured/calibration").isNull()).isTrue();
  }

  /** Leaves a full page to look at: {@code target/report-example.html}. */
  @Test
  void rendersAFullRun() throws IOException {
    ReportData data = ExampleReport.data();
    Path file = Path.of("target", "report-example.html");
    Files.createDirectories(file.getParent());
    Files.writeString(file, Report.render(data));

    JsonNode embedded = embedded(Files.readString(file));
    assertThat(embedded.at("/charts/stages")).hasSize(2);
    assertThat(embedded.get("timings").get(0).get(0).textValue()).isEqualTo("prepare");
  }
}
