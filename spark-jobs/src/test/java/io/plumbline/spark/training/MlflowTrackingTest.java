package io.plumbline.spark.training;

import static io.plumbline.spark.training.JobRuns.golden;
import static io.plumbline.spark.training.JobRuns.weights;
import static io.plumbline.spark.training.JobRuns.withoutTimings;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.tracking.MlflowProcess;
import io.plumbline.spark.tracking.RunTracking;
import io.plumbline.spark.tracking.RunUpload;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.tracking.TrackingSettings.Artifacts;
import io.plumbline.spark.tracking.TrackingSettings.Credentials;
import io.plumbline.spark.training.rank.MetricLine;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole jobs that a real MLflow server hears of, whether it stays up or not. */
class MlflowTrackingTest {
  @TempDir static Path shared;
  private static SparkSession spark;
  private static Path model;
  private static MlflowProcess server;

  /** The run that no server hears of: what every other one must come to. */
  private static Path alone;

  @TempDir Path directory;

  @BeforeAll
  static void start() throws Exception {
    server = MlflowProcess.start(Files.createDirectory(shared.resolve("server")));
    spark = LocalSpark.withSlots(2);
    model = JobRuns.llama(shared);
    alone = shared.resolve("alone");
    run(dpo(alone), ProgressListener.NONE);
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
    if (spark != null) {
      spark.stop();
    }
  }

  @Test
  void aServerHearsOptionsMetricsFilesAndAVersionOfTheModel() throws Exception {
    Path output = directory.resolve("up");
    TrackingSettings settings =
        new TrackingSettings(
            server.uri(),
            Credentials.NONE,
            "tests",
            "up",
            Optional.of("polite"),
            Artifacts.RECORDS,
            Optional.of("parent-of-it"));
    Notes notes = new Notes();
    run(dpo(output).tracking(settings), notes);

    JsonNode run = server.run("up");
    assertThat(notes.notes)
        .filteredOn(note -> note.contains("MLflow"))
        .singleElement()
        .asString()
        .startsWith("MLflow: " + server.uri());
    assertThat(run.path("info").path("status").asText()).isEqualTo("FINISHED");
    Map<String, String> options = new TreeMap<>();
    JsonNode record = record(output);
    record
        .path("configuration")
        .properties()
        .forEach(
            o ->
                options.put(
                    o.getKey(),
                    o.getValue().isTextual() ? o.getValue().asText() : o.getValue().toString()));
    assertThat(options).containsEntry("beta", "0.1").containsEntry("mlflow-model", "polite");
    assertThat(MlflowProcess.texts(run, "params")).isEqualTo(options);
    assertThat(MlflowProcess.texts(run, "tags"))
        .containsEntry("mlflow.parentRunId", "parent-of-it")
        .containsEntry(
            "plumbline.fingerprint.data.train",
            record.path("fingerprints").path("data.train").asText())
        .containsEntry("plumbline.run_json", output.resolve("run.json").toString());
    hasTheMetricsOf(output, run);
    for (String name : List.of("run.json", "metrics.jsonl", "report.html")) {
      assertThat(server.artifact(run, name))
          .as(name)
          .isEqualTo(Files.readAllBytes(output.resolve(name)));
    }
    // A registry takes no local path, so the files are there.
    try (Stream<Path> files = Files.list(output.resolve("checkpoint"))) {
      for (Path file : files.toList()) {
        assertThat(server.artifact(run, "checkpoint/" + file.getFileName()))
            .isEqualTo(Files.readAllBytes(file));
      }
    }
    List<JsonNode> versions = server.versions("polite");
    assertThat(versions).hasSize(1);
    JsonNode version = versions.get(0);
    assertThat(version.path("run_id").asText()).isEqualTo(MlflowProcess.id(run));
    assertThat(version.path("source").asText())
        .isEqualTo(run.path("info").path("artifact_uri").asText() + "/checkpoint");
    Map<String, String> tags = new TreeMap<>();
    version
        .path("tags")
        .forEach(tag -> tags.put(tag.path("key").asText(), tag.path("value").asText()));
    for (String name : List.of("model", "data.train", "reference", "checkpoint")) {
      assertThat(tags)
          .containsEntry(
              "plumbline.fingerprint." + name, record.path("fingerprints").path(name).asText());
    }
    assertThat(tags)
        .containsEntry("plumbline.run_id", MlflowProcess.id(run))
        .containsEntry("plumbline.run_json", output.resolve("run.json").toString())
        .containsEntry(
            "plumbline.eval_loss", record.path("results").path("after/eval_loss").asText());

    // Once more changes nothing: no metric and no version comes twice.
    RunUpload.Result again = RunUpload.send(Storage.local(), output.toString(), settings);
    assertThat(again.lacking()).isEmpty();
    hasTheMetricsOf(output, server.run("up"));
    assertThat(server.versions("polite")).hasSize(1);
  }

  @Test
  void aServerThatFailsOnTheWayAndComesBackGetsEverythingOnce() throws Exception {
    Path output = directory.resolve("back");
    Notes notes =
        new Notes() {
          @Override
          public void step(long step, long totalSteps, Map<String, Double> metrics) {
            if (step == 3 && metrics.containsKey("loss")) {
              waitForRun();
              server.kill();
            } else if (step == 6 && metrics.containsKey("loss")) {
              startAgain();
            }
          }
        };
    run(dpo(output).tracking(server.settings("back")), notes);

    sameAsAlone(output);
    JsonNode run = server.run("back");
    assertThat(run.path("info").path("status").asText()).isEqualTo("FINISHED");
    hasTheMetricsOf(output, run);
    assertThat(notes.notes).noneMatch(note -> note.contains("plumbline track"));
  }

  @Test
  void aServerThatIsNotThereChangesNothingAndGetsAllOfItLater() throws Exception {
    Path output = directory.resolve("down");
    String nowhere = "http://127.0.0.1:" + MlflowProcess.freePort();
    Notes notes = new Notes();
    run(dpo(output).tracking(MlflowProcess.settings(nowhere, "down")), notes);

    sameAsAlone(output);
    assertThat(notes.notes)
        .filteredOn(note -> note.contains("plumbline track"))
        .singleElement()
        .asString()
        .startsWith("The MLflow server at " + nowhere + " has nothing of this run (")
        .endsWith("send it by 'plumbline track %s --mlflow-uri %s'.".formatted(output, nowhere));

    RunUpload.Result result =
        RunUpload.send(Storage.local(), output.toString(), server.settings("down"));
    assertThat(result.lacking()).isEmpty();
    JsonNode run = server.run("down");
    assertThat(run.path("info").path("status").asText()).isEqualTo("FINISHED");
    hasTheMetricsOf(output, run);
    assertThat(server.artifact(run, "report.html"))
        .isEqualTo(Files.readAllBytes(output.resolve("report.html")));
  }

  @Test
  void moreMetricsThanTheQueueHoldsAreSentFromTheirFile() throws Exception {
    Path output = Files.createDirectory(directory.resolve("many"));
    String nowhere = "http://127.0.0.1:" + MlflowProcess.freePort();
    RunRecord record = RunRecord.started("dpo", Instant.now()).completed(Instant.now());
    record.write(Storage.local(), output.resolve("run.json").toString());
    List<String> lines = new ArrayList<>();
    long start = System.nanoTime();
    try (RunTracking tracking =
        RunTracking.of(
            Storage.local(),
            output.toString(),
            Optional.of(MlflowProcess.settings(nowhere, "many")),
            ProgressListener.NONE)) {
      tracking.begin(record);
      for (int step = 1; step <= 5000; step++) {
        Map<String, Double> line = Map.of("step", (double) step, "loss", loss(step));
        lines.add(MetricLine.write(line));
        tracking.listener().step(step, 5000, line);
      }
      Files.write(output.resolve("metrics.jsonl"), lines);
    }
    assertThat((System.nanoTime() - start) / 1e9).isLessThan(20);

    RunUpload.Result result =
        RunUpload.send(Storage.local(), output.toString(), server.settings("many"));

    assertThat(result.lacking()).isEmpty();
    Map<Long, List<Double>> expected = new TreeMap<>();
    for (long step = 1; step <= 5000; step++) {
      expected.put(step, List.of(loss(step)));
    }
    assertThat(server.metrics(server.run("many"))).isEqualTo(Map.of("loss", expected));
  }

  private static double loss(long step) {
    return step == 77 ? Double.NaN : 1.0 / step;
  }

  @Test
  void aServerThatTakesConnectionsAndSaysNothingHoldsNothingUp() throws Exception {
    Path output = directory.resolve("silent");
    try (java.net.ServerSocket silent = new java.net.ServerSocket(0)) {
      Notes notes = new Notes();
      long start = System.nanoTime();
      run(
          dpo(output)
              .tracking(
                  MlflowProcess.settings("http://127.0.0.1:" + silent.getLocalPort(), "silent")),
          notes);
      // What is under way ends with its deadline of 10 s.
      assertThat((System.nanoTime() - start) / 1e9).isLessThan(60);
      assertThat(notes.notes)
          .filteredOn(note -> note.contains("plumbline track"))
          .singleElement()
          .asString()
          .contains("no answer within");
    }
    sameAsAlone(output);
  }

  @Test
  void aRunThatIsResumedGoesOnInTheSameRunOfTheServer() throws Exception {
    Path output = directory.resolve("resumed");
    TestRequest request = dpo(output).saveSteps(3).tracking(server.settings("resumed"));
    Notes stopping =
        new Notes() {
          @Override
          public void step(long step, long totalSteps, Map<String, Double> metrics) {
            if (step >= 5) {
              throw new PlumblineException(ErrorCode.INTERRUPTED, "stopped by the test");
            }
          }
        };
    assertThatThrownBy(() -> run(request, stopping)).hasMessageContaining("stopped by the test");
    JsonNode stopped = server.run("resumed");
    assertThat(stopped.path("info").path("status").asText()).isEqualTo("KILLED");
    assertThat(MlflowProcess.texts(stopped, "tags"))
        .containsEntry("plumbline.error", "stopped by the test");

    run(request.threads(2).start(Start.RESUME), ProgressListener.NONE);

    JsonNode run = server.run("resumed");
    assertThat(MlflowProcess.id(run)).isEqualTo(MlflowProcess.id(stopped));
    assertThat(run.path("info").path("status").asText()).isEqualTo("FINISHED");
    assertThat(MlflowProcess.texts(run, "params")).containsEntry("threads-per-rank", "1");
    assertThat(MlflowProcess.texts(run, "tags"))
        .containsEntry("plumbline.resumed.threads-per-rank", "2");
    assertThat(server.metrics(run).get("loss"))
        .hasSize(10)
        .allSatisfy((step, values) -> assertThat(values).hasSize(1));
  }

  private static TrainingOutcome run(
      TestRequest request, io.plumbline.spark.progress.ProgressListener progress) {
    return TrainingJob.run(spark, request.build(), Map.of(), progress);
  }

  private static TestRequest dpo(Path output) {
    return TestRequest.dpo(model, golden("preference.jsonl"), output, 10, 2)
        .evalData(golden("preference.jsonl"));
  }

  private static JsonNode record(Path output) throws IOException {
    return new com.fasterxml.jackson.databind.ObjectMapper()
        .readTree(output.resolve("run.json").toFile());
  }

  /** Every number of metrics.jsonl stands at the server once, under its step. */
  private static void hasTheMetricsOf(Path output, JsonNode run) throws Exception {
    Map<String, Map<Long, List<Double>>> expected = new TreeMap<>();
    for (String text : Files.readAllLines(output.resolve("metrics.jsonl"))) {
      Map<String, Double> line = MetricLine.read(text);
      long step = line.get("step").longValue();
      line.forEach(
          (name, value) -> {
            if (!name.equals("step")) {
              expected.computeIfAbsent(name, n -> new TreeMap<>()).put(step, List.of(value));
            }
          });
    }
    assertThat(expected).containsKeys("loss", "eval_loss", "rewards/margins");
    assertThat(server.metrics(run)).isEqualTo(expected);
  }

  private static void sameAsAlone(Path output) throws IOException {
    assertThat(weights(output)).isEqualTo(weights(alone));
    assertThat(withoutTimings(metricLines(output))).isEqualTo(withoutTimings(metricLines(alone)));
    assertThat(record(output).path("status").asText()).isEqualTo("completed");
  }

  private static List<Map<String, Double>> metricLines(Path output) throws IOException {
    List<Map<String, Double>> lines = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("metrics.jsonl"))) {
      lines.add(MetricLine.read(line));
    }
    return lines;
  }

  private static void waitForRun() {
    long end = System.nanoTime() + 30_000_000_000L;
    while (System.nanoTime() < end) {
      try {
        if (!MlflowProcess.texts(server.run("back"), "metrics").isEmpty()) {
          return;
        }
        Thread.sleep(100);
      } catch (Exception | AssertionError e) {
        // Its first call is still under way.
        Thread.onSpinWait();
      }
    }
    throw new AssertionError("the server heard nothing of the run");
  }

  private static void startAgain() {
    try {
      server.start();
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Keeps what is said. */
  private static class Notes extends Quiet {
    final List<String> notes = new ArrayList<>();

    @Override
    public void note(String line) {
      notes.add(line);
    }
  }
}
