package io.plumbline.spark.cli.pipeline;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.settings.Texts;
import io.plumbline.storage.Storage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What a pipeline's {@code pipeline.json} says: which stages were done, with what. Immutable; each
 * {@code with} gives another record. What looks like a secret is masked.
 *
 * @param file the file that was run last
 * @param date what chat templates read in every stage, as {@code --chat-template-date} takes it;
 *     empty in records of older versions
 */
public record PipelineRecord(String file, String date, List<Stage> stages) {
  static final String FILE = "pipeline.json";

  private static final String FORMAT = "plumbline.pipeline";
  private static final String DATE = "chat_template_date";
  private static final int VERSION = 1;

  /** How far a stage is. */
  enum Status {
    /** Begun; if no process works at it, it was stopped from outside. */
    RUNNING,
    FAILED,
    COMPLETED,
    /** To be done again, because it or a stage that it uses was told to be. */
    OUTDATED
  }

  /**
   * A stage that was begun.
   *
   * @param options that decide what comes out, as the file had them
   * @param optionsFingerprint of the same, secrets and all
   * @param inputs fingerprints of what it read, by path; of what a stage left, by {@code ${STAGE}}
   * @param identity differs for every time that it was done from the start
   * @param started when that was
   * @param ended when it came to its last end; empty while it runs
   * @param seconds of work in all, stopped calls that did not come to an end left out
   * @param error why it failed; empty where it did not
   */
  public record Stage(
      String name,
      String command,
      String output,
      Status status,
      ObjectNode options,
      String optionsFingerprint,
      Map<String, String> inputs,
      String identity,
      String started,
      String ended,
      double seconds,
      String error) {
    public Stage {
      options = options.deepCopy();
      inputs = Map.copyOf(inputs);
    }

    boolean isComplete() {
      return status == Status.COMPLETED;
    }

    Stage with(Status other) {
      return new Stage(
          name,
          command,
          output,
          other,
          options,
          optionsFingerprint,
          inputs,
          identity,
          started,
          ended,
          seconds,
          error);
    }

    Stage ended(Status how, Instant when, double moreSeconds, String why) {
      return new Stage(
          name,
          command,
          output,
          how,
          options,
          optionsFingerprint,
          inputs,
          identity,
          started,
          when.toString(),
          seconds + moreSeconds,
          RunRecord.started("", when).failed(when, why).json().path("error").asText());
    }
  }

  public PipelineRecord {
    stages = List.copyOf(stages);
  }

  /** Of a pipeline that begins now. */
  static PipelineRecord empty(String file) {
    return new PipelineRecord(file, RunTemplates.now(), List.of());
  }

  /** Options without secrets, as JSON: one text, or a list of several. */
  static ObjectNode masked(Map<String, List<String>> options) {
    Map<String, Object> values = new LinkedHashMap<>();
    options.forEach(
        (option, texts) -> values.put(option, texts.size() == 1 ? texts.get(0) : texts));
    return RunRecord.started("", Instant.EPOCH).withConfiguration(values).configuration();
  }

  Optional<Stage> stage(String name) {
    return stages.stream().filter(stage -> stage.name().equals(name)).findFirst();
  }

  /** The record with a stage in the place of the one of its name, or behind all others. */
  PipelineRecord with(Stage stage) {
    List<Stage> others = new ArrayList<>(stages);
    for (int i = 0; i < others.size(); i++) {
      if (others.get(i).name().equals(stage.name())) {
        others.set(i, stage);
        return new PipelineRecord(file, date, others);
      }
    }
    others.add(stage);
    return new PipelineRecord(file, date, others);
  }

  PipelineRecord withFile(String other) {
    return new PipelineRecord(other, date, stages);
  }

  public static boolean isIn(Storage storage, String output) {
    return storage.exists(Storage.join(output, FILE));
  }

  /** The record in a pipeline's directory; empty where there is none. */
  public static Optional<PipelineRecord> read(Storage storage, String output) {
    String path = Storage.join(output, FILE);
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    try {
      JsonNode json = Json.MAPPER.readTree(storage.readText(path));
      if (!json.path("format").asText().equals(FORMAT) || json.path("version").asInt() != VERSION) {
        throw damaged(path, null);
      }
      List<Stage> stages = new ArrayList<>();
      for (JsonNode stage : json.path("stages")) {
        stages.add(stage(stage));
      }
      return Optional.of(
          new PipelineRecord(json.path("file").asText(), json.path(DATE).asText(""), stages));
    } catch (JsonProcessingException | IllegalArgumentException | ClassCastException e) {
      throw damaged(path, e);
    }
  }

  private static PlumblineException damaged(String path, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        path
            + " is no record of a pipeline that this version of Plumbline wrote: give another"
            + " --output.",
        cause);
  }

  private static Stage stage(JsonNode json) {
    Map<String, String> inputs = new LinkedHashMap<>();
    json.path("inputs")
        .properties()
        .forEach(input -> inputs.put(input.getKey(), input.getValue().asText()));
    return new Stage(
        json.path("name").asText(),
        json.path("command").asText(),
        json.path("output").asText(),
        Status.valueOf(json.path("status").asText().toUpperCase(Locale.ROOT)),
        json.path("options").isObject()
            ? (ObjectNode) json.path("options")
            : Json.MAPPER.createObjectNode(),
        json.path("options_fingerprint").asText(),
        inputs,
        json.path("identity").asText(),
        json.path("started").asText(),
        json.path("ended").asText(),
        json.path("seconds").asDouble(),
        json.path("error").asText());
  }

  ObjectNode json() {
    ObjectNode json =
        Json.MAPPER
            .createObjectNode()
            .put("format", FORMAT)
            .put("version", VERSION)
            .put("file", file);
    if (!date.isEmpty()) {
      json.put(DATE, date);
    }
    for (Stage stage : stages) {
      ObjectNode one =
          json.withArrayProperty("stages")
              .addObject()
              .put("name", stage.name())
              .put("command", stage.command())
              .put("status", Texts.word(stage.status()))
              .put("output", stage.output())
              .put("started", stage.started());
      if (!stage.ended().isEmpty()) {
        one.put("ended", stage.ended());
      }
      one.put("seconds", Math.round(stage.seconds() * 1000) / 1000.0);
      if (!stage.error().isEmpty()) {
        one.put("error", stage.error());
      }
      one.set("options", stage.options());
      one.put("options_fingerprint", stage.optionsFingerprint());
      ObjectNode inputs = one.putObject("inputs");
      new java.util.TreeMap<>(stage.inputs()).forEach(inputs::put);
      one.put("identity", stage.identity());
    }
    return json;
  }

  /** Writes pipeline.json; a reader sees either the old or the new one. */
  void write(Storage storage, String output) {
    storage.writeText(Storage.join(output, FILE), json().toPrettyString() + "\n");
  }
}
