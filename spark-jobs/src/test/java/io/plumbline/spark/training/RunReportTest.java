package io.plumbline.spark.training;

import static io.plumbline.spark.training.JobRuns.golden;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.report.ReportData;
import io.plumbline.spark.run.MetricsFile;
import io.plumbline.spark.training.algorithm.KtoAlgorithm;
import io.plumbline.spark.training.algorithm.RewardAlgorithm;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopSettings.Selection;
import io.plumbline.train.LoopSettings.Selection.Better;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report of whole runs: what their pages hold, not how it is drawn. */
class RunReportTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern DATA =
      Pattern.compile(
          "<script type=\"application/json\" id=\"data\">(.*?)</script>", Pattern.DOTALL);

  @TempDir static Path shared;
  private static SparkSession spark;
  private static Path model;

  @TempDir Path directory;

  @BeforeAll
  static void start() throws IOException {
    spark = LocalSpark.withSlots(2);
    model = JobRuns.llama(shared);
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  private TestRequest request(String data, long steps) {
    return TestRequest.dpo(model, golden(data), directory.resolve("run"), steps, 1);
  }

  private static TrainingOutcome run(TestRequest request) {
    return TrainingJob.run(spark, request.build(), Map.of(), ProgressListener.NONE);
  }

  private static JsonNode page(String report) throws IOException {
    Matcher matcher = DATA.matcher(Files.readString(Path.of(report)));
    assertThat(matcher.find()).isTrue();
    return JSON.readTree(matcher.group(1));
  }

  private static String verdict(String report) throws IOException {
    Matcher matcher =
        Pattern.compile("<p id=\"verdict\">(.*?)</p>").matcher(Files.readString(Path.of(report)));
    assertThat(matcher.find()).isTrue();
    return matcher.group(1);
  }

  private static Set<String> texts(JsonNode array) {
    Set<String> texts = new HashSet<>();
    array.forEach(text -> texts.add(text.textValue()));
    return texts;
  }

  @Test
  void aRewardRunShowsItsBinsAsADiagramAndItsScoresBesideEachOther() throws IOException {
    TrainingOutcome outcome =
        run(
            request("preference.jsonl", 6)
                .algorithm(RewardAlgorithm.REWARD)
                .evalSplit(EvalSplit.ofShare(0.25))
                .evalSteps(2)
                .selection(new Selection("eval_loss", Better.LOWER, 0, 0)));
    JsonNode page = page(outcome.files().report());

    JsonNode stage = page.at("/charts/stages").get(0);
    assertThat(stage.get("kept").longValue()).isEqualTo(outcome.steps().best().getAsLong());
    List<String> curves = new ArrayList<>();
    stage.get("curves").get("curves").forEach(curve -> curves.add(curve.get("metric").textValue()));
    assertThat(curves)
        .contains("accuracy", "eval_accuracy", "eval_calibration_error", "eval_brier_score")
        .noneMatch(name -> name.startsWith("eval_calibration/"));
    for (String moment : List.of("before", "after")) {
      double share = 0;
      for (JsonNode bin : page.at("/measured/calibration").get(moment)) {
        share += bin.get("share").doubleValue();
        assertThat(bin.get("predicted").doubleValue())
            .isBetween(bin.get("from").doubleValue(), bin.get("to").doubleValue());
      }
      assertThat(share).isCloseTo(1, within(1e-9));
    }
    long held = page.at("/measured/calibration").get("pairs").longValue();
    assertThat(texts(page.at("/rows/remarks")))
        .singleElement()
        .asString()
        .startsWith(held + " rows of the data were held out for evaluation, and " + (64 - held));
    assertThat(page.get("warnings")).isEmpty();
    assertThat(verdict(outcome.files().report()))
        .contains(
            "higher score",
            RunVerdict.ending(6, 6, outcome.steps().best().getAsLong(), "eval_loss", 0));

    assertThat(page.at("/texts/samples")).isEmpty();
    assertThat(page.at("/texts/scoredRows")).hasSize(8);
    String source = Files.readString(golden("preference.jsonl"));
    double moved = 0;
    for (JsonNode row : page.at("/texts/scoredRows")) {
      String prompt = JSON.writeValueAsString(row.get("prompt"));
      assertThat(source).contains("{\"prompt\": " + prompt + ",");
      assertThat(row.get("sides")).hasSize(2);
      for (JsonNode side : row.get("sides")) {
        assertThat(source).contains(JSON.writeValueAsString(side.get("text")));
        moved += Math.abs(side.get("after").doubleValue() - side.get("before").doubleValue());
      }
    }
    assertThat(moved).isPositive();
  }

  @Test
  void stepsThatWereLeftOutAreNamed() {
    List<Map<String, Double>> metrics =
        metrics(
            IntStream.rangeClosed(1, 9)
                .mapToObj(
                    step ->
                        step == 2 || step == 3
                            ? line(step, "0.5", "1.5")
                            : line(step, step % 2 == 0 ? "null" : "0.5", "null"))
                .collect(Collectors.joining("\n")));
    ReportData.Builder report = ReportData.titled("t");
    RunReport.data(
        JSON.createObjectNode().put("steps", 9).put("train.accepted", 72),
        request("preference.jsonl", 9).build(),
        metrics,
        report);
    assertThat(report.build().warnings())
        .containsExactly(
            "7 of 9 steps changed no weight, because their loss or gradient was not a finite"
                + " number: 1, 4, 5, 6, 7 and 2 more.");
    assertThat(report.build().rows().remarks()).isEmpty();
  }

  private List<Map<String, Double>> metrics(String text) {
    String path = directory.resolve("metrics.jsonl").toString();
    Storage.local().writeText(path, text);
    return MetricsFile.read(Storage.local(), path);
  }

  private static String line(int step, String loss, String gradient) {
    return "{\"step\":%d,\"loss\":%s,\"grad_norm\":%s}".formatted(step, loss, gradient);
  }

  @Test
  void aKtoRunShowsLabelsAndWarnsOfRowsThatWereTrainedOn() throws IOException {
    TrainingOutcome outcome =
        run(
            request("unpaired.jsonl", 1)
                .algorithm(KtoAlgorithm.KTO, "kto", 0.1)
                .evalData(golden("unpaired.jsonl")));
    JsonNode page = page(outcome.files().report());

    assertThat(verdict(outcome.files().report()))
        .contains("good and bad completions", "trained on too");
    assertThat(texts(page.get("warnings")))
        .singleElement()
        .asString()
        .startsWith("Of 64 held-out rows 64 stand in the training data too");
    assertThat(texts(page.at("/rows/remarks")))
        .containsExactly(
            "8 of 64 rows were trained on, and 64 of the evaluation data were held out.");
    assertThat(page.at("/measured/calibration").isNull()).isTrue();
    Set<String> labels = new HashSet<>();
    for (JsonNode sample : page.at("/texts/samples")) {
      assertThat(sample.get("data")).hasSize(1);
      String text = sample.get("data").get(0).get("text").textValue();
      boolean good = row(sample.get("prompt").textValue(), text).get("label").booleanValue();
      String label = sample.get("data").get(0).get("label").textValue();
      assertThat(label).endsWith(good ? "a good one" : "a bad one");
      labels.add(label);
    }
    assertThat(labels).hasSize(2);
  }

  private static JsonNode row(String prompt, String completion) throws IOException {
    for (String line : Files.readAllLines(golden("unpaired.jsonl"))) {
      JsonNode row = JSON.readTree(line);
      if (row.get("prompt").textValue().equals(prompt)
          && row.get("completion").textValue().equals(completion)) {
        return row;
      }
    }
    throw new AssertionError("no row with the completion " + completion);
  }

  @Test
  void whatBecameOfTheRowsIsSaid() {
    ReportData.Builder report = ReportData.titled("t");
    RunReport.data(
        JSON.createObjectNode()
            .put("steps", 39)
            .put("train.accepted", 1300)
            .put("eval.split", 52)
            .put("train.split", 1248)
            .put("train.packed", 310)
            .put("overlap.rows", 0)
            .put("overlap.prompts", 0),
        request("prompt_completion.jsonl", 9).build(),
        List.of(Map.of("step", 1.0, "loss", 0.5)),
        report);
    assertThat(report.build().rows().remarks())
        .containsExactly(
            "52 rows of the data were held out for evaluation, and 1,248 rows were trained on; rows"
                + " of one prompt stayed together.",
            "1,248 rows were packed into 310 of at most 128 tokens.");
    assertThat(report.build().warnings()).isEmpty();

    assertThat(trainedOn(request("prompt_completion.jsonl", 9), 38))
        .isEqualTo("304 of 310 packed rows were trained on; rows of one prompt stayed together.");
    assertThat(
            trainedOn(
                request("prompt_completion.jsonl", 9).data(List.of("a.jsonl:1.0", "b.jsonl:2.0")),
                38))
        .startsWith("1,248 rows were trained on by the weights of their sources;");

    ReportData.Builder prompts = ReportData.titled("t");
    RunReport.data(
        JSON.createObjectNode()
            .put("eval.accepted", 50)
            .put("overlap.rows", 0)
            .put("overlap.prompts", 2),
        request("prompt_completion.jsonl", 9).build(),
        List.of(),
        prompts);
    assertThat(prompts.build().warnings())
        .singleElement()
        .asString()
        .startsWith("Of 50 held-out rows 0 stand in the training data too, and 2 have a prompt");
  }

  private static String trainedOn(TestRequest request, int steps) {
    ReportData.Builder report = ReportData.titled("t");
    RunReport.data(
        JSON.createObjectNode()
            .put("steps", steps)
            .put("eval.split", 52)
            .put("train.split", 1248)
            .put("train.packed", 310),
        request.build(),
        List.of(),
        report);
    return report.build().rows().remarks().get(0).replaceFirst(".*evaluation, and ", "");
  }
}
