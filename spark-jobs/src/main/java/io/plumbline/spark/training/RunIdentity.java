package io.plumbline.spark.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Fingerprint;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.DecidingOptions;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.storage.Storage;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What a run is, to tell whether a later call is the same run: its command, the options that decide
 * updates, and what it reads. In run.json it is the field {@code identity}: {@code version}, {@code
 * command}, {@code options} (by name, as text), {@code inputs} (where what is read lay), {@code
 * contents} (fingerprints of it, as they become known) and {@code files} (sizes and times, to name
 * those that have changed).
 *
 * @param options by name
 * @param inputs absolute paths, tables and queries by the option that names them
 * @param contents hex fingerprints by name: {@code model}, {@code data.train}, ...
 * @param files what is told of a file, by path, by option
 */
record RunIdentity(
    String command,
    DecidingOptions options,
    SortedMap<String, List<String>> inputs,
    SortedMap<String, String> contents,
    SortedMap<String, SortedMap<String, String>> files) {
  static final int VERSION = 1;

  /** Content of the training rows as they were read. */
  static final String TRAINING_DATA = "data.train";

  /** Content of the rows after the split, packing and pairing, as they are trained on. */
  static final String TRAINING_ROWS = "rows.train";

  private static final Pattern ABSOLUTE =
      Pattern.compile("/.*|[a-zA-Z][a-zA-Z0-9+.-]*:/.*", Pattern.DOTALL);
  private static final Pattern CONTENT =
      Pattern.compile(
          "model|critic|chat-template|data\\.train|data\\.ptx|rows\\.train|(reward|cost)\\..*",
          Pattern.DOTALL);
  private static final List<String> INPUTS =
      List.of("model", "data", "critic-model", "ptx-data", RunTemplates.TEMPLATE);

  /**
   * The identity that a record has.
   *
   * @throws PlumblineException OUTPUT_IN_USE where a newer version wrote it
   */
  static RunIdentity recorded(RunRecord record, String path) {
    Optional<ObjectNode> json = record.identity();
    if (json.isEmpty()) {
      return of(record);
    }
    int version = json.get().path("version").asInt();
    if (version != VERSION) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "%s says what its run is in version %d of that format, and this version of Plumbline reads version %d: resume the run with the version that began it, or give another --output."
              .formatted(path, version, VERSION));
    }
    SortedMap<String, List<String>> inputs = new TreeMap<>();
    json.get()
        .path("inputs")
        .properties()
        .forEach(input -> inputs.put(input.getKey(), RunOptions.texts(input.getValue())));
    SortedMap<String, SortedMap<String, String>> files = new TreeMap<>();
    json.get()
        .path("files")
        .properties()
        .forEach(option -> files.put(option.getKey(), strings(option.getValue())));
    return new RunIdentity(
        json.get().path("command").asText(),
        DecidingOptions.of(
            json.get().path("options") instanceof ObjectNode options ? options : object(),
            RunOptions.RULES),
        inputs,
        strings(json.get().path("contents")),
        files);
  }

  /** The identity that the configuration and the fingerprints of a record make. */
  static RunIdentity of(RunRecord record) {
    ObjectNode configuration = record.configuration();
    SortedMap<String, List<String>> inputs = new TreeMap<>();
    for (String option : INPUTS) {
      List<String> texts = RunOptions.texts(configuration.path(option));
      if (!texts.isEmpty()) {
        List<String> given = option.equals("data") ? RunOptions.withoutWeights(texts) : texts;
        inputs.put(option, given.stream().map(text -> absolute(text, record)).toList());
      }
    }
    SortedMap<String, String> contents = new TreeMap<>(record.fingerprints());
    contents.keySet().removeIf(name -> !CONTENT.matcher(name).matches());
    return new RunIdentity(
        record.command(), RunOptions.deciding(configuration), inputs, contents, new TreeMap<>());
  }

  /** This identity with what is told of files. */
  RunIdentity withFiles(SortedMap<String, SortedMap<String, String>> told) {
    return new RunIdentity(command, options, inputs, contents, told);
  }

  /** This identity with what another run read, as far as it must be that. */
  RunIdentity reading(RunIdentity other, SortedMap<String, String> held) {
    return new RunIdentity(command, options, other.inputs(), held, other.files());
  }

  /** Whether it says of which model and rows a run was made. */
  boolean saysWhatWasRead() {
    return contents.containsKey("model") && contents.containsKey(TRAINING_DATA);
  }

  /** As {@link #recorded} reads it. */
  ObjectNode json() {
    ObjectNode json = object();
    json.put("version", VERSION);
    json.put("command", command);
    json.set("options", options.json());
    ObjectNode read = json.putObject("inputs");
    inputs.forEach((option, texts) -> texts.forEach(read.putArray(option)::add));
    ObjectNode known = json.putObject("contents");
    contents.forEach(known::put);
    ObjectNode seen = json.putObject("files");
    files.forEach(
        (option, told) -> {
          ObjectNode described = seen.putObject(option);
          told.forEach(described::put);
        });
    return json;
  }

  /** One text for all of it, to compare two runs by; equal exactly for the same run. */
  String fingerprint() {
    Fingerprint fingerprint = Fingerprint.of("plumbline.run.2").text("command", command);
    options.addTo(fingerprint);
    contents.forEach((name, hex) -> fingerprint.text("content", name).text("hex", hex));
    return fingerprint.hex();
  }

  /** A value as it names the same files from any directory, in one spelling. */
  private static String absolute(String text, RunRecord record) {
    return SparkSources.mapPath(text.strip(), path -> absolutePath(path, record));
  }

  private static String absolutePath(String given, RunRecord record) {
    String path = given.replaceFirst("^file:(//)?(?=/)", "");
    String full =
        ABSOLUTE.matcher(path).matches()
            ? path
            : record.directory().map(from -> Storage.join(from, path)).orElse(path);
    if (full.startsWith("/")) {
      return Path.of(full).normalize().toString();
    }
    return full.length() > 1 ? full.replaceFirst("/+$", "") : full;
  }

  private static ObjectNode object() {
    return Json.MAPPER.createObjectNode();
  }

  private static SortedMap<String, String> strings(JsonNode json) {
    SortedMap<String, String> strings = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : json.properties()) {
      strings.put(entry.getKey(), entry.getValue().asText());
    }
    return strings;
  }
}
