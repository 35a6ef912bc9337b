package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The provenance of a run, as run.json holds it: what was asked for, with what, and what came out;
 * enough to run it again. Immutable; each {@code with} gives another record. What looks like a
 * secret is masked before it enters.
 *
 * <p>Fields: {@code command}, {@code status} (running, completed, failed, interrupted), {@code
 * started}, {@code ended} (ISO 8601, UTC), {@code seed}, {@code configuration}, {@code identity}
 * (what decides updates, with a version), {@code fingerprints} (hex SHA-256 by name), {@code
 * directory} (from which relative paths go), {@code versions}, {@code environment} (what else may
 * decide the last bits of a result), {@code counts} (by dotted name, such as {@code
 * reference.computed}), {@code read} (what the rows of each split were read as), {@code timings}
 * (seconds by name), {@code ranks} (where each ran), {@code restarts} (of ranks, in order), {@code
 * notes} (what ranks told), {@code results} and, for a failed run, {@code error}, with {@code
 * refused} where nothing came of it because of what it was given.
 */
public final class RunRecord {
  private static final int MOST_NOTES = 100;

  private final ObjectNode json;

  private RunRecord(ObjectNode json) {
    this.json = json;
  }

  /** The record of a run that starts now. */
  public static RunRecord started(String command, Instant when) {
    ObjectNode json = PythonJson.object();
    json.put("command", command);
    json.put("status", "running");
    json.put("started", when.toString());
    return new RunRecord(json);
  }

  /** Reads a record that was written before. */
  public static RunRecord read(Storage storage, String path) {
    return new RunRecord(PythonJson.read(storage, path));
  }

  /** What the run was asked for: options by name, values as in JSON. Replaces what was there. */
  public RunRecord withConfiguration(Map<String, ?> configuration) {
    return withConfiguration((ObjectNode) PythonJson.MAPPER.valueToTree(configuration));
  }

  public RunRecord withConfiguration(ObjectNode configuration) {
    return with(copy -> copy.set("configuration", Secrets.masked(configuration)));
  }

  public RunRecord withSeed(long seed) {
    return with(copy -> copy.put("seed", seed));
  }

  /** The fingerprint of something that went in or came out, such as {@code model}. */
  public RunRecord withFingerprint(String name, String hex) {
    return with(copy -> copy.withObjectProperty("fingerprints").put(name, hex));
  }

  public RunRecord withVersion(String name, String version) {
    return with(copy -> copy.withObjectProperty("versions").put(name, version));
  }

  public RunRecord withVersions(Map<String, String> versions) {
    return with(copy -> versions.forEach(copy.withObjectProperty("versions")::put));
  }

  /** Where paths go from that are not absolute. */
  public RunRecord withDirectory(String directory) {
    return with(copy -> copy.put("directory", directory));
  }

  /** Something besides versions that may decide the last bits, such as {@code processor}. */
  public RunRecord withEnvironment(Map<String, String> environment) {
    return with(copy -> environment.forEach(copy.withObjectProperty("environment")::put));
  }

  public RunRecord withCount(String name, long count) {
    return with(copy -> copy.withObjectProperty("counts").put(name, count));
  }

  /** What the rows of a split were read as, a line for each way. */
  public RunRecord withReadings(String split, List<String> lines) {
    return with(
        copy -> {
          ArrayNode list = copy.withObjectProperty("read").putArray(split);
          lines.forEach(list::add);
        });
  }

  /** Where each rank ran: a list of objects with rank, host and device. */
  public RunRecord withRanks(JsonNode places) {
    return with(copy -> copy.set("ranks", places.deepCopy()));
  }

  public RunRecord withTiming(String name, Duration duration) {
    return with(copy -> copy.withObjectProperty("timings").put(name, duration.toMillis() / 1000.0));
  }

  /**
   * Adds that ranks were started again.
   *
   * @param attempt 2 for the first restart
   * @param fromStep of the training state from which they went on; 0 for the start
   */
  public RunRecord withRestart(int attempt, int ranks, long fromStep, Instant when, String cause) {
    return with(
        copy -> {
          ObjectNode restart = copy.withArrayProperty("restarts").addObject();
          restart.put("attempt", attempt).put("ranks", ranks).put("from_step", fromStep);
          restart.put("at", when.toString());
          restart.set("cause", Secrets.masked("cause", TextNode.valueOf(cause)));
        });
  }

  /** Adds a sentence that the user was told while ranks trained; the first hundred stay. */
  public RunRecord withNote(String sentence) {
    return with(
        copy -> {
          ArrayNode notes = copy.withArrayProperty("notes");
          if (notes.size() < MOST_NOTES) {
            notes.add(Secrets.masked("note", TextNode.valueOf(sentence)));
          }
        });
  }

  /** What decides the run's updates, to compare with when it is resumed; masked by its maker. */
  public RunRecord withIdentity(ObjectNode identity) {
    return with(copy -> copy.set("identity", identity.deepCopy()));
  }

  /** Something that came out, such as a metric or a path. */
  public RunRecord withResult(String name, JsonNode value) {
    return with(
        copy ->
            copy.withObjectProperty("results").set(name, Secrets.masked(name, value.deepCopy())));
  }

  public RunRecord withResult(String name, double value) {
    return with(copy -> copy.withObjectProperty("results").put(name, value));
  }

  public RunRecord completed(Instant when) {
    return with(
        copy -> {
          copy.put("status", "completed");
          copy.put("ended", when.toString());
          copy.remove("error");
        });
  }

  public RunRecord failed(Instant when, String error) {
    return with(
        copy -> {
          copy.put("status", "failed");
          copy.put("ended", when.toString());
          copy.set("error", Secrets.masked("error", TextNode.valueOf(error)));
        });
  }

  /** Of a run that was asked to end and can be resumed. */
  public RunRecord interrupted(Instant when, String why) {
    return failed(when, why).with(copy -> copy.put("status", "interrupted"));
  }

  /** A failed run whose model or data was refused before anything was made of it. */
  public RunRecord refused(Instant when, String error) {
    return failed(when, error).with(copy -> copy.put("refused", true));
  }

  /** Whether nothing came of the run because of what it was given. */
  public boolean isRefused() {
    return json.path("refused").asBoolean();
  }

  /** Versions of Java, operating system, DJL, PyTorch and Plumbline, as they run here. */
  public static Map<String, String> libraryVersions() {
    Map<String, String> versions = new java.util.TreeMap<>();
    versions.put("java", System.getProperty("java.version"));
    versions.put(
        "os",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"));
    versions.put("djl", ai.djl.engine.Engine.getDjlVersion());
    versions.put(
        "plumbline",
        Optional.ofNullable(RunRecord.class.getPackage().getImplementationVersion())
            .orElse("development"));
    return versions;
  }

  public String command() {
    return json.path("command").asText();
  }

  /** running, completed, failed or interrupted. */
  public String status() {
    return json.path("status").asText();
  }

  /** A count by its dotted name, if it was recorded. */
  public Optional<Long> count(String name) {
    JsonNode count = json.path("counts").path(name);
    return count.isNumber() ? Optional.of(count.longValue()) : Optional.empty();
  }

  public Optional<String> fingerprint(String name) {
    JsonNode hex = json.path("fingerprints").path(name);
    return hex.isTextual() ? Optional.of(hex.textValue()) : Optional.empty();
  }

  /** Where relative paths of the configuration go from; empty in records that do not say it. */
  public Optional<String> directory() {
    JsonNode directory = json.path("directory");
    return directory.isTextual() ? Optional.of(directory.textValue()) : Optional.empty();
  }

  /** All fingerprints, by name. */
  public Map<String, String> fingerprints() {
    return texts("fingerprints");
  }

  public Map<String, String> versions() {
    return texts("versions");
  }

  public Map<String, String> environment() {
    return texts("environment");
  }

  private Map<String, String> texts(String field) {
    Map<String, String> texts = new java.util.TreeMap<>();
    json.path(field).properties().forEach(e -> texts.put(e.getKey(), e.getValue().asText()));
    return texts;
  }

  /** What the run was asked for; a copy. */
  public ObjectNode configuration() {
    return json.path("configuration") instanceof ObjectNode object
        ? object.deepCopy()
        : PythonJson.object();
  }

  /** What decides the run's updates; empty in records of older versions. A copy. */
  public Optional<ObjectNode> identity() {
    return json.path("identity") instanceof ObjectNode object
        ? Optional.of(object.deepCopy())
        : Optional.empty();
  }

  /** The whole record; a copy. */
  public ObjectNode json() {
    return json.deepCopy();
  }

  /** Writes run.json; a reader sees either the old or the new one. */
  public void write(Storage storage, String path) {
    storage.writeText(path, PythonJson.pretty(json));
  }

  private RunRecord with(java.util.function.Consumer<ObjectNode> change) {
    ObjectNode copy = json.deepCopy();
    change.accept(copy);
    return new RunRecord(copy);
  }

  @Override
  public String toString() {
    return "RunRecord[" + command() + ", " + status() + "]";
  }
}
