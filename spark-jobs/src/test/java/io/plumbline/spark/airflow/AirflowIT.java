package io.plumbline.spark.airflow;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The DAG that users copy, run by a real Airflow that submits the jar to a real Spark. One test,
 * because each date continues from what the one before left.
 */
@Tag("slow")
class AirflowIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int STEPS = 80;

  /**
   * In the place of spark-submit: writes down what is submitted, and kills the driver of the first
   * training as soon as it has left a training state.
   */
  private static final String SPARK_SUBMIT =
      """
      #!/usr/bin/env bash
      for (( i = 1; i <= $#; i++ )); do
        if [[ "${!i}" == *.jar ]]; then command="${*:i+1}"; break; fi
      done
      echo "$command" >>"$CALLS"
      if [[ "$command" != dpo* || -e "$KILLED" ]]; then
        exec "$SPARK_HOME/bin/spark-submit" "$@"
      fi
      "$SPARK_HOME/bin/spark-submit" "$@" &
      driver=$!
      while kill -0 "$driver" 2>/dev/null; do
        if compgen -G "$ROOT/*/dpo/checkpoints/step-*10/_COMPLETE" >/dev/null; then
          touch "$KILLED"
          kill -9 "$driver"
        fi
        sleep 0.02
      done
      wait "$driver"
      """;

  private static final String QUERY =
      """
      import json, sqlite3, sys
      base = sqlite3.connect(sys.argv[1])
      print(json.dumps({
          "runs": dict(base.execute(
              "select strftime('%Y-%m-%d', logical_date), state from dag_run")),
          "tasks": {f"{day} {task}": [state, tries] for day, task, state, tries in base.execute(
              "select strftime('%Y-%m-%d', logical_date), task_id, t.state, try_number"
              " from task_instance t join dag_run r using (run_id)")},
          "events": [json.loads(extra) for (extra,) in base.execute(
              "select extra from asset_event order by id")],
      }))
      """;

  @TempDir static Path directory;
  private static Airflow airflow;
  private static Path root;
  private static Path calls;
  private static JsonNode parameters;

  @BeforeAll
  static void prepare() throws Exception {
    airflow = Airflow.in(directory);
    Path jar = Fixtures.root().resolve("spark-jobs/target/plumbline.jar");
    assertThat(jar).as("the jar that the package phase builds").exists();
    root = directory.resolve("root");
    calls = directory.resolve("calls");
    Path bin = Files.createDirectory(directory.resolve("bin"));
    Path submit = Files.writeString(bin.resolve("spark-submit"), SPARK_SUBMIT);
    assertThat(submit.toFile().setExecutable(true)).isTrue();
    airflow
        .withPath(bin)
        .with("CALLS", calls.toString())
        .with("KILLED", directory.resolve("killed").toString())
        .with("ROOT", root.toString())
        .with("PLUMBLINE_RETRY_SECONDS", "1")
        .with("AIRFLOW_VAR_PLUMBLINE_JAR", jar.toString())
        .with(
            "AIRFLOW_VAR_PLUMBLINE_SPARK_CONF",
            "{\"spark.ui.enabled\": \"false\", \"spark.driver.memory\": \"1g\","
                + " \"spark.sql.shuffle.partitions\": \"2\"}")
        .with(
            "AIRFLOW_CONN_PLUMBLINE_SPARK",
            "{\"conn_type\": \"spark\", \"host\": \"local[2]\","
                + " \"extra\": {\"deploy-mode\": \"client\"}}");
    parameters = parameters();
    Airflow.Ended migrated = airflow.airflow("db", "migrate");
    assertThat(migrated.status()).as(migrated.log()).isZero();
  }

  private static JsonNode parameters() throws IOException {
    Path model = Files.createDirectory(directory.resolve("llama"));
    for (String source : List.of("models/llama", "tokenizer")) {
      try (Stream<Path> files = Files.list(Fixtures.golden(source))) {
        for (Path file : files.toList()) {
          Files.copy(file, model.resolve(file.getFileName()));
        }
      }
    }
    List<String> rows = Files.readAllLines(Fixtures.golden("traj/preference.jsonl"));
    Files.write(
        Files.createDirectories(directory.resolve("pairs/2025-01-01")).resolve("pairs.jsonl"),
        rows.subList(0, 40));
    Files.write(
        Files.createDirectories(directory.resolve("pairs/2025-01-02")).resolve("pairs.jsonl"),
        rows.subList(8, 48));
    Path heldOut = Files.write(directory.resolve("held-out.jsonl"), rows.subList(48, 64));
    return JSON.createObjectNode()
        .put("model", model.toString())
        .put("output_root", root.toString())
        .put("learning_rate", 1e-3)
        .put("max_steps", STEPS)
        .put("global_batch_size", 8)
        .put("save_steps", 10)
        .<ObjectNode>set("data", JSON.createArrayNode().add(directory + "/pairs/{ds}/"))
        .set("held_out", JSON.createArrayNode().add(heldOut.toString()));
  }

  private static Airflow.Ended run(String date, JsonNode configuration) throws Exception {
    Airflow.Ended ended =
        airflow.airflow("dags", "test", "plumbline", date, "--conf", configuration.toString());
    assertThat(ended.status()).as(ended.log()).isZero();
    return ended;
  }

  private static JsonNode database() throws Exception {
    Airflow.Ended asked =
        airflow.python("-c", QUERY, directory.resolve("airflow/airflow.db").toString());
    assertThat(asked.status()).as(asked.log()).isZero();
    return JSON.readTree(asked.log());
  }

  /** The commands that were submitted, without their options. */
  private static List<String> submitted() throws IOException {
    return Files.readAllLines(calls).stream().map(call -> call.split(" ", 2)[0]).toList();
  }

  private static JsonNode read(String file) throws IOException {
    return JSON.readTree(root.resolve(file).toFile());
  }

  /** Every file below the output root with its time and its bytes. */
  private static Map<String, String> everything() throws IOException {
    Map<String, String> found = new TreeMap<>();
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        found.put(
            root.relativize(file).toString(),
            Files.getLastModifiedTime(file) + " " + Arrays.hashCode(Files.readAllBytes(file)));
      }
    }
    return found;
  }

  @Test
  void aDateIsTrainedOnceAndOnlyABetterModelIsPublished() throws Exception {
    // The first date, whose training is killed midway: the retry continues, and the model is
    // published, because there is none to beat.
    Airflow.Ended first = run("2025-01-01", parameters);
    assertThat(submitted())
        .as(first.log())
        .containsExactly("prepare", "reference", "dpo", "dpo", "evaluate", "publish");
    assertThat(directory.resolve("killed")).exists();
    String date = "20250101T000000";
    List<String> metrics = Files.readAllLines(root.resolve(date + "/dpo/metrics.jsonl"));
    assertThat(metrics).hasSize(STEPS);
    assertThat(JSON.readTree(metrics.get(STEPS - 1)).get("step").asInt()).isEqualTo(STEPS);
    assertThat(first.log()).containsPattern("continues from step [1-7]0");
    JsonNode published = read("published.json");
    assertThat(published.get("version").asInt()).isEqualTo(1);
    assertThat(published.get("model").asText()).isEqualTo(root + "/" + date + "/dpo/checkpoint");
    JsonNode base = database();
    assertThat(base.at("/runs/2025-01-01").asText()).isEqualTo("success");
    assertThat(base.get("tasks").get("2025-01-01 train").toString()).isEqualTo("[\"success\",2]");
    assertThat(base.get("tasks").get("2025-01-01 prepare").toString()).isEqualTo("[\"success\",1]");
    assertThat(base.get("events")).hasSize(1);
    JsonNode event = base.get("events").get(0);
    assertThat(event.get("model")).isEqualTo(published.get("model"));
    assertThat(event.get("fingerprint")).isEqualTo(published.get("fingerprint"));
    assertThat(event.at("/preferences/accuracy").asDouble()).isBetween(0.5, 1.0);

    // The same date again: nothing is submitted, and no file changes.
    Map<String, String> before = everything();
    assertThat(before).containsKey(date + "/dpo/checkpoint/model.safetensors");
    run("2025-01-01", parameters);
    assertThat(submitted()).hasSize(6);
    assertThat(everything()).isEqualTo(before);
    base = database();
    assertThat(base.at("/runs/2025-01-01").asText()).isEqualTo("success");
    assertThat(base.get("events")).hasSize(1);

    // A second date whose training changes nothing: as good as the base model, so it stays
    // unpublished, and that is no failure.
    ObjectNode still = parameters.deepCopy();
    run("2025-01-02", still.put("learning_rate", 0).put("max_steps", 2));
    assertThat(submitted().subList(6, 11))
        .containsExactly("prepare", "reference", "dpo", "evaluate", "publish");
    assertThat(Files.readAllLines(calls).get(9))
        .contains("--policy last=" + published.get("model").asText());
    JsonNode decision = read("20250102T000000/decision.json");
    assertThat(decision.get("published").asBoolean()).isFalse();
    assertThat(decision.get("reason").asText()).startsWith("Not better than version 1: accuracy");
    assertThat(read("published.json")).isEqualTo(published);
    base = database();
    assertThat(base.at("/runs/2025-01-02").asText()).isEqualTo("success");
    assertThat(base.get("tasks").get("2025-01-02 announce").get(0).asText()).isEqualTo("skipped");
    assertThat(base.get("events")).hasSize(1);
  }
}
