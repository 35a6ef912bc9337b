package io.plumbline.spark.tracking;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.storage.Storage;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import org.mlflow.api.proto.Service.RunStatus;

/** What run.json says of a run, as parameters and tags of a tracking server. */
final class RunFacts {
  private static final String PREFIX = "plumbline.";

  private final RunRecord record;
  private final JsonNode json;
  private final String output;

  /**
   * @param output the run's directory, as everyone would name it
   */
  RunFacts(RunRecord record, String output) {
    this.record = record;
    this.json = record.json();
    this.output = output;
  }

  static RunFacts read(Storage storage, String output) {
    return new RunFacts(RunRecord.read(storage, runRecord(output)), storage.absolute(output));
  }

  static String runRecord(String output) {
    return Storage.join(output, "run.json");
  }

  /** Every option of the run; lists as JSON. */
  Map<String, String> parameters() {
    Map<String, String> parameters = new TreeMap<>();
    record
        .configuration()
        .properties()
        .forEach(option -> parameters.put(option.getKey(), text(option.getValue())));
    return parameters;
  }

  /** Tags of the run at the server; those that MLflow shows have its own names. */
  Map<String, String> tags(TrackingSettings settings) {
    Map<String, String> tags = lineage();
    tags.put("mlflow.user", System.getProperty("user.name", ""));
    tags.put("mlflow.source.name", "plumbline " + record.command());
    tags.put("mlflow.source.type", "LOCAL");
    settings.parent().ifPresent(parent -> tags.put("mlflow.parentRunId", parent));
    json.path("versions")
        .properties()
        .forEach(
            version -> tags.put(PREFIX + "version." + version.getKey(), text(version.getValue())));
    String error = json.path("error").asText("");
    if (!error.isEmpty()) {
      tags.put(PREFIX + "error", error);
    }
    return tags;
  }

  /**
   * Tags of a model's version: what it was made from, where that is written, and how good it is.
   */
  Map<String, String> modelTags(MlflowRun run) {
    Map<String, String> tags = lineage();
    tags.put(PREFIX + "run_id", run.id());
    json.path("results")
        .properties()
        .forEach(
            result -> {
              if (result.getKey().startsWith("after/")) {
                tags.put(
                    PREFIX + result.getKey().substring("after/".length()), text(result.getValue()));
              }
            });
    return tags;
  }

  private Map<String, String> lineage() {
    Map<String, String> tags = new TreeMap<>();
    tags.put(PREFIX + "command", record.command());
    tags.put(PREFIX + "run_json", runRecord(output));
    tags.put(PREFIX + "checkpoint", checkpoint());
    json.path("fingerprints")
        .properties()
        .forEach(hex -> tags.put(PREFIX + "fingerprint." + hex.getKey(), text(hex.getValue())));
    return tags;
  }

  String checkpoint() {
    return Storage.join(output, "checkpoint");
  }

  boolean completed() {
    return record.status().equals("completed");
  }

  RunStatus status() {
    return switch (record.status()) {
      case "completed" -> RunStatus.FINISHED;
      case "failed" -> RunStatus.FAILED;
      case "interrupted" -> RunStatus.KILLED;
      default -> RunStatus.RUNNING;
    };
  }

  /** In milliseconds since 1970. */
  long started() {
    return millis("started");
  }

  /** When it ended; of a run that does not say it, now. */
  long ended() {
    return json.has("ended") ? millis("ended") : System.currentTimeMillis();
  }

  private long millis(String field) {
    return Instant.parse(json.path(field).asText()).toEpochMilli();
  }

  private static String text(JsonNode value) {
    return value.isTextual() ? value.asText() : value.toString();
  }
}
