package io.plumbline.spark.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.LocalSpark;
import io.plumbline.spark.run.Start;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A directory that a run was begun in is that run's, whatever a later call is about. */
class EarlierRunTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path shared;
  private static SparkSession spark;
  private static Path model;

  @TempDir Path directory;
  private Path data;
  private Path other;

  @BeforeAll
  static void start() throws IOException {
    spark = LocalSpark.withSlots(2);
    model = JobRuns.llama(shared);
  }

  @AfterAll
  static void stop() {
    spark.stop();
  }

  @BeforeEach
  void writeData() throws IOException {
    List<String> rows = Files.readAllLines(JobRuns.golden("preference.jsonl"));
    data = Files.write(directory.resolve("data.jsonl"), rows.subList(0, 16));
    other = Files.write(directory.resolve("other.jsonl"), rows.subList(16, 32));
  }

  private TestRequest request() {
    return on(data);
  }

  private TestRequest on(Path rows) {
    return TestRequest.dpo(model, rows, directory.resolve("run"), 2, 1);
  }

  private static TrainingOutcome run(TestRequest request, ProgressListener progress) {
    return TrainingJob.run(spark, request.build(), Map.of(), progress);
  }

  private Path record() {
    return directory.resolve("run/run.json");
  }

  private void refused(TestRequest request, String... parts) throws IOException {
    byte[] before = Files.readAllBytes(record());
    assertThatThrownBy(() -> run(request, ProgressListener.NONE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_IN_USE))
        .hasMessageContainingAll(parts);
    byte[] after = Files.readAllBytes(record());
    if (!Arrays.equals(before, after)) {
      assertThat(JSON.readTree(after)).isEqualTo(JSON.readTree(before));
    }
  }

  @Test
  void aRunThatStoppedBeforeItsDataWasReadIsNotReplacedByOneOnOtherData() throws IOException {
    assertThatThrownBy(() -> run(request(), new StoppingAt("prepare train")))
        .hasMessageContaining("stopped by the test");

    for (Start start : List.of(Start.FRESH, Start.RESUME)) {
      refused(on(other).start(start), "--data (" + data + " there, " + other + " now)");
      refused(
          request()
              .model(copyOfModel("copy").toString() + "/")
              .start(Start.FRESH)
              .data(List.of(other.toString())),
          "--data (");
    }
    // Nothing was learned: the same call, and one with another option, may begin again.
    run(request().beta(0.3), ProgressListener.NONE);
  }

  @Test
  void aCallThatWasRefusedForItsDataKeepsNoPlace() throws IOException {
    Path wrong = directory.resolve("wrong.jsonl");
    Files.writeString(wrong, "{\"question\": \"?\", \"good\": \"a\", \"bad\": \"b\"}\n");
    assertThatThrownBy(() -> run(on(wrong), ProgressListener.NONE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_DATA));
    assertThat(json().path("status").asText()).isEqualTo("failed");

    // The corrected call needs no other place.
    run(request(), ProgressListener.NONE);
    assertThat(json().path("status").asText()).isEqualTo("completed");
    assertThat(json().has("refused")).isFalse();
    assertThatThrownBy(() -> run(on(wrong), ProgressListener.NONE))
        .isInstanceOfSatisfying(
            PlumblineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.OUTPUT_IN_USE));
  }

  @Test
  void aRefusedOrDamagedRunIsNoneForRowsAndDatesEither() throws IOException {
    TestRequest wrong = request().data(List.of("sql:SELECT 'a' AS chosen"));
    assertThatThrownBy(() -> run(wrong, ProgressListener.NONE))
        .isInstanceOf(PlumblineException.class);
    Storage storage = Storage.local();
    TrainingRequest other = request().data(List.of("sql:SELECT 'b' AS chosen")).build();
    assertThat(json().path("refused").asBoolean()).isTrue();
    assertThat(EarlierRun.obstacle(storage, TrainingRows.Settings.of(other))).isEmpty();

    Files.writeString(record(), "{");
    assertThat(TemplateDate.ofRun(storage, directory.resolve("run").toString())).isEmpty();
  }

  @Test
  void csvInAnotherSpellingIsTheSameData() throws IOException {
    Path csv = directory.resolve("pairs.csv");
    StringBuilder rows = new StringBuilder("prompt,chosen,rejected\n");
    for (int i = 0; i < 16; i++) {
      rows.append("Say %d.,Yes %d,No %d\n".formatted(i, i, i));
    }
    Files.writeString(csv, rows);
    Path relative = Path.of("").toAbsolutePath().relativize(csv);
    assertThatThrownBy(
            () -> run(request().data(List.of("csv:" + relative)), new StoppingAt("prepare train")))
        .hasMessageContaining("stopped by the test");

    run(request().data(List.of("csv:" + csv)), ProgressListener.NONE);
    run(request().data(List.of("csv:" + relative)).start(Start.RESUME), ProgressListener.NONE);
    assertThat(json().path("identity").path("inputs").path("data").get(0).asText())
        .isEqualTo("csv:" + csv);
  }

  @Test
  void aRunThatStoppedBeforeItsFirstStepIsNotReplacedByOneOnOtherData() throws IOException {
    assertThatThrownBy(() -> run(request(), new StoppingAt("reference")))
        .hasMessageContaining("stopped by the test");
    ObjectNode before = json();
    assertThat(before.path("identity").path("contents").has("data.train")).isTrue();

    for (Start start : List.of(Start.FRESH, Start.RESUME)) {
      refused(on(other).start(start), "--data was " + data + " and is " + other);
    }
    // The same rows at another place are the same data.
    Path moved = Files.copy(data, directory.resolve("moved.jsonl"));
    run(on(moved).start(Start.RESUME), ProgressListener.NONE);
    assertThat(json().path("identity").path("inputs").path("data").get(0).asText())
        .isEqualTo(moved.toString());
  }

  @Test
  void aModelOrDataThatHasChangedIsToldWithItsFile() throws IOException {
    Path copy = copyOfModel("model");
    TestRequest request = request().model(copy.toString());
    run(request, ProgressListener.NONE);
    Path elsewhere = Files.copy(data, directory.resolve("elsewhere.jsonl"));
    // Both by content, wherever they lie.
    run(on(elsewhere).model(model.toString()).start(Start.RESUME), ProgressListener.NONE);
    run(request.start(Start.RESUME), ProgressListener.NONE);

    refused(on(other), "holds another run", "--data (" + data + " there, " + other + " now)");
    refused(
        request.data(List.of(other.toString())).start(Start.RESUME),
        "--data was " + data + " and is " + other,
        "other rows");
    Files.write(data, Files.readAllLines(data).subList(0, 12));
    refused(request.start(Start.RESUME), "--data " + data + " has other rows", data + " was ");
    Files.write(data, Files.readAllLines(elsewhere));
    Path weights = copy.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    refused(
        request.start(Start.RESUME), "--model " + copy + " has another content", weights + " was ");
    refused(request.start(Start.RESUME).beta(0.5), "--beta (0.1 there, 0.5 now)");
    run(on(other).start(Start.OVERWRITE), ProgressListener.NONE);
    assertThat(json().path("counts").path("train.read").asLong()).isEqualTo(16);
  }

  @Test
  void aRunOfAVersionWithoutIdentityIsComparedByItsOptions() throws IOException {
    run(request(), ProgressListener.NONE);
    ObjectNode older = json();
    older.remove("identity");
    older.withObjectProperty("fingerprints").put("run", "0".repeat(64)).remove("rows.train");
    Files.writeString(record(), older.toString());

    refused(request().start(Start.RESUME).beta(0.5), "another --beta (0.1 there, 0.5 now)");
    refused(on(other).start(Start.RESUME), "--data was " + data + " and is " + other);
    run(request().start(Start.RESUME), ProgressListener.NONE);
    assertThat(json().path("identity").path("version").asInt()).isEqualTo(1);

    older.withObjectProperty("fingerprints").removeAll();
    Files.writeString(record(), older.toString());
    refused(request().start(Start.RESUME), "run.json is of an older format");
  }

  @Test
  void aRunOfAnUnknownFormatAndStatesOfNoKnownRunAreNotResumed() throws IOException {
    run(request(), ProgressListener.NONE);
    ObjectNode json = json();
    String good = json.toString();
    json.withObjectProperty("identity").put("version", 7);
    Files.writeString(record(), json.toString());
    refused(request().start(Start.RESUME), "version 7", "reads version 1");

    for (String damaged : List.of("", "{\"command\": \"dp", "[]", "{}")) {
      Files.writeString(record(), damaged);
      refused(request().start(Start.RESUME), "run.json", "--overwrite");
      refused(request(), "run.json", "--overwrite");
    }
    Files.delete(record());
    assertThatThrownBy(() -> run(request().start(Start.RESUME), ProgressListener.NONE))
        .hasMessageContainingAll("holds training states, and no", "run.json");
    Files.writeString(record(), good);
    run(request().start(Start.RESUME), ProgressListener.NONE);
  }

  private ObjectNode json() throws IOException {
    return (ObjectNode) JSON.readTree(record().toFile());
  }

  private Path copyOfModel(String name) throws IOException {
    Path copy = directory.resolve(name);
    if (!Files.exists(copy)) {
      Files.createDirectory(copy);
      try (Stream<Path> files = Files.list(model)) {
        for (Path file : files.toList()) {
          Files.copy(file, copy.resolve(file.getFileName()));
        }
      }
    }
    return copy;
  }

  /** Ends the job from the driver where a stage starts. */
  private static final class StoppingAt extends Quiet {
    private final String last;

    private StoppingAt(String last) {
      this.last = last;
    }

    @Override
    public void stageStarted(String stage, long total, String unit) {
      if (stage.equals(last)) {
        throw new PlumblineException(ErrorCode.INTERRUPTED, "stopped by the test");
      }
    }

    @Override
    public void step(long step, long totalSteps, Map<String, Double> metrics) {}
  }
}
