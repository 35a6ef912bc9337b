package io.plumbline.spark.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.report.ReportData.Better;
import io.plumbline.spark.report.ReportData.Bin;
import io.plumbline.spark.report.ReportData.ScoredSide;
import io.plumbline.spark.report.ReportData.Side;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ReportTest {
  private static final String HOSTILE =
      "</script><script>document.title='owned'</script><!--<script><img src=x onerror=alert(1)>"
          + "{{data}}{{script}}]]>\u2028\u2029&lt;\"'\\ \u0000\ud800";

  private static final Pattern DATA =
      Pattern.compile(
          "<script type=\"application/json\" id=\"data\">(.*?)</script>", Pattern.DOTALL);

  private static JsonNode embedded(String page) throws IOException {
    Matcher matcher = DATA.matcher(page);
    assertThat(matcher.find()).isTrue();
    return new JsonMapper().readTree(matcher.group(1));
  }

  private static ReportData everywhere(String text) {
    return ReportData.titled(text)
        .verdict(text)
        .comparison(text, text, Double.NaN, 1, Better.HIGHER)
        .calibration(
            new ReportData.Calibration(
                OptionalLong.of(3), List.of(), List.of(new Bin(0.5, 0.55, 1, 0.52, 0.5))))
        .stage(text, List.of(Map.of("step", 1.0, text, 2.0)), OptionalLong.of(1))
        .sample(text, text, text, new Side(text, text), new Side(text, text))
        .scoredRow(text, List.of(new ScoredSide(text, text, Double.NaN, 1)))
        .warning(text)
        .remark(text)
        .count(text, 3)
        .refusal(text, 1, text)
        .configuration(text, text)
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
    // A lone surrogate has no UTF-8 form; all else arrives letter by letter.
    String arrived = HOSTILE.replace('\ud800', '\ufffd');
    assertThat(data.get("title").textValue()).isEqualTo(arrived);
    JsonNode side = data.get("samples").get(0).get("data").get(1);
    assertThat(side.get(0).textValue()).isEqualTo(arrived);
    assertThat(side.get(1).textValue()).isEqualTo(arrived);
    JsonNode scored = data.get("scoredRows").get(0);
    assertThat(scored.get("prompt").textValue()).isEqualTo(arrived);
    assertThat(scored.get("sides").get(0).get("text").textValue()).isEqualTo(arrived);
    assertThat(scored.get("sides").get(0).get("before").textValue()).isEqualTo("NaN");
    assertThat(data.get("warnings").get(0).textValue()).isEqualTo(arrived);
    assertThat(data.get("remarks").get(0).textValue()).isEqualTo(arrived);
    assertThat(data.get("configuration").get(0).get(0).textValue()).isEqualTo(arrived);
    assertThat(data.get("quarantine").get(0).get("place").textValue()).isEqualTo(arrived);
  }

  /** The page without its own style and script, tag by tag. */
  private static List<String> tags(String page) {
    List<String> tags = new ArrayList<>();
    Matcher matcher = Pattern.compile("<[/!a-zA-Z][^>]*>").matcher(page);
    while (matcher.find()) {
      tags.add(matcher.group());
    }
    return tags;
  }

  @Property(tries = 200)
  void embeddedTextSurvives(@ForAll String text) throws IOException {
    String page = Report.render(everywhere(text));
    byte[] written = page.getBytes(StandardCharsets.UTF_8);
    JsonNode data = embedded(new String(written, StandardCharsets.UTF_8));

    String arrived = new String(text.getBytes(StandardCharsets.UTF_16), StandardCharsets.UTF_16);
    assertThat(data.get("samples").get(0).get("before").textValue()).isEqualTo(arrived);
    assertThat(tags(page)).isEqualTo(tags(Report.render(everywhere("calm"))));
  }

  @Test
  void pageAsksForNothingFromOutside() {
    String page = Report.render(everywhere("calm"));

    assertThat(page).contains("default-src 'none'");
    assertThat(page.replace("http://www.w3.org/2000/svg", ""))
        .doesNotContain("http:", "https:", "@import", "url(", " src=", "<link", "innerHTML");
  }

  @Test
  void metricsKeepWhatIsMissingApartFromWhatIsNotFinite() throws IOException {
    Map<String, Double> first = new LinkedHashMap<>(Map.of("step", 1.0, "loss", 0.5));
    Map<String, Double> second = new LinkedHashMap<>(Map.of("step", 2.0));
    Map<String, Double> third = new LinkedHashMap<>(Map.of("step", 3.0, "loss", Double.NaN));
    String page =
        Report.render(ReportData.titled("t").stage("dpo", List.of(first, second, third)).build());

    JsonNode loss = metric(embedded(page), "loss");
    assertThat(loss.get(0).doubleValue()).isEqualTo(0.5);
    assertThat(loss.get(1).isNull()).isTrue();
    assertThat(loss.get(2).textValue()).isEqualTo("NaN");
  }

  @Test
  void longHistoriesAreAveraged() throws IOException {
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 0; i < 2500; i++) {
      steps.add(Map.of("step", (double) i, "loss", (double) (2 * i)));
    }
    JsonNode data = embedded(Report.render(ReportData.titled("t").stage("sft", steps).build()));

    assertThat(data.get("stages").get(0).get("averagedOver").intValue()).isEqualTo(3);
    assertThat(metric(data, "step")).hasSize(834);
    assertThat(metric(data, "loss").get(1).doubleValue()).isEqualTo(8.0);
    assertThat(metric(data, "loss").get(833).doubleValue()).isEqualTo(4998.0);
  }

  @Test
  void oneStepThatIsNotFiniteDoesNotHideThoseItIsAveragedWith() throws IOException {
    List<Map<String, Double>> steps = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      steps.add(Map.of("step", (double) i, "loss", i == 3 || i > 1997 ? Double.NaN : 1.5));
    }
    JsonNode loss =
        metric(embedded(Report.render(ReportData.titled("t").stage("s", steps).build())), "loss");

    assertThat(loss.get(1).doubleValue()).isEqualTo(1.5);
    assertThat(loss.get(999).textValue()).isEqualTo("NaN");
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
                    .stage("reward", List.of(Map.of("step", 1.0)), OptionalLong.of(1))
                    .build()));

    assertThat(data.get("calibration").get("pairs").longValue()).isEqualTo(40);
    assertThat(data.get("calibration").get("before")).hasSize(1);
    assertThat(data.get("calibration").get("after").get(1).get("observed").doubleValue())
        .isEqualTo(0.9);
    assertThat(data.get("stages").get(0).get("kept").longValue()).isEqualTo(1);
    JsonNode without = embedded(Report.render(ReportData.titled("t").build()));
    assertThat(without.has("calibration")).isFalse();
  }

  private static JsonNode metric(JsonNode data, String name) {
    for (JsonNode metric : data.get("stages").get(0).get("metrics")) {
      if (metric.get(0).textValue().equals(name)) {
        return metric.get(1);
      }
    }
    throw new AssertionError("no metric " + name);
  }

  @Test
  void metricsFileReadsNumbersAndLetsTheLaterLineWin() {
    String text =
        """
        {"step": 1, "loss": 0.7, "note": "text", "nested": {"a": 1}}
        {"step": 2, "loss": NaN}
        {"step": 4, "loss": null, "grad_norm": 2}
        {"step": 3, "loss": 0.5}

        {"step": 2, "loss": 0.6, "rewards/margins": 0.1}
        {"step": 3, "lo""";

    assertThat(MetricsFile.parse(text, "m.jsonl"))
        .containsExactly(
            Map.of("step", 1.0, "loss", 0.7),
            Map.of("step", 2.0, "loss", 0.6, "rewards/margins", 0.1),
            Map.of("step", 3.0, "loss", 0.5),
            Map.of("step", 4.0, "loss", Double.NaN, "grad_norm", 2.0));
  }

  @Test
  void metricsFileNamesABrokenLine() {
    assertThatThrownBy(() -> MetricsFile.parse("{\"step\": 1}\n[1]\n{\"step\": 2}\n", "m.jsonl"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Line 2 of m.jsonl");
    assertThatThrownBy(() -> MetricsFile.parse("{\"st\n{\"step\": 2}\n", "m.jsonl"))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("Line 1 of m.jsonl");
  }

  /** Leaves a full page to look at: {@code target/report-example.html}. */
  @Test
  void rendersAFullRun() throws IOException {
    ReportData data = ExampleReport.data();
    Path file = Path.of("target", "report-example.html");
    Files.createDirectories(file.getParent());
    Files.writeString(file, Report.render(data));

    JsonNode embedded = embedded(Files.readString(file));
    assertThat(embedded.get("stages")).hasSize(2);
    assertThat(embedded.get("timings").get(0).get(0).textValue()).isEqualTo("prepare");
  }
}
