package io.plumbline.spark.cli.commands;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.data.CanonicalShards;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.rollout.ledger.LedgerSummary;
import io.plumbline.settings.Texts;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TextSettings;
import io.plumbline.spark.cli.pipeline.PipelineRecord;
import io.plumbline.spark.cli.terminal.Console;
import io.plumbline.spark.mine.MineDirectory;
import io.plumbline.spark.reference.CacheSummary;
import io.plumbline.spark.reference.ReferenceCache;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.storage.Manifest;
import io.plumbline.storage.Storage;
import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** {@code inspect}: what a directory of Plumbline's holds. */
final class InspectCommand implements Command {
  private static final String PREPARED = "prepared";
  private static final int SAMPLES = 3;
  private static final int LONGEST_TEXT = 160;
  private static final MathContext SHOWN_DIGITS = new MathContext(6);
  private static final int MOST_DECIMALS = 12;

  static final Setting<String> PATH =
      Setting.argument(
          "PATH",
          "A model directory, a reference cache, what mine wrote, a run's, a pipeline's or an"
              + " evaluation's OUTPUT, or a ledger, prepared rows or shards in it.");

  static final Setting<Boolean> PRUNE =
      Setting.flag(
          "prune",
          "What to change",
          "Deletes first what killed tasks left in a reference cache: files that nothing reads and"
              + " that are over a day old.");

  @Override
  public String name() {
    return "inspect";
  }

  @Override
  public String summary() {
    return "What a checkpoint, a reference cache, a run, an evaluation, a ledger or prepared data hold.";
  }

  @Override
  public String description() {
    return "Reads headers and records only, never whole weights or rows (but a model's fingerprint"
        + " reads its weights once, and a ledger's texts and rewards are read through).";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "inspect runs/dpo",
        "inspect shared/reference --json",
        "inspect shared/reference --prune",
        "inspect runs/dpo/shards-train",
        "inspect runs/grpo/ledger",
        "inspect runs/evaluation");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(PATH, PRUNE, TextSettings.JSON.withHelp("One JSON object on standard output."));
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String path = values.require(PATH, "name the directory to look into").orElse("");
    boolean json = values.of(TextSettings.JSON);
    boolean prune = values.of(PRUNE);
    return console -> {
      if (prune) {
        console.err().println(prune(SparkSessions.storage(), path));
      }
      ObjectNode found = look(SparkSessions.storage(), path);
      if (json) {
        console.out().println(Json.MAPPER.writeValueAsString(found));
      } else {
        print(found, "", console);
      }
    };
  }

  private static String prune(Storage storage, String path) {
    if (ReferenceCache.inspect(storage, path).references().isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          path + " is no reference cache, and --prune is about those: leave it out.");
    }
    return ReferenceCache.prune(storage, path, Instant.now().minus(Duration.ofDays(1)));
  }

  static ObjectNode look(Storage storage, String path) {
    if (!storage.exists(path)) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND, "There is no " + path + ": check the path.");
    }
    if (PipelineRecord.isIn(storage, path)) {
      return pipeline(storage, path);
    }
    if (storage.exists(Storage.join(path, "run.json"))) {
      return run(storage, path);
    }
    if (ModelDirectory.isIn(storage, path)) {
      return model(storage, path);
    }
    if (storage.exists(Storage.join(path, EvaluateCommand.RESULT))) {
      return evaluation(storage, path);
    }
    MineDirectory mined = new MineDirectory(storage, path);
    if (mined.isUnfinished()) {
      return holds("mined data that is not complete", path);
    }
    Optional<ObjectNode> summary = mined.complete();
    if (summary.isPresent()) {
      return holds("mined data", path).setAll(summary.get());
    }
    CacheSummary cache = ReferenceCache.inspect(storage, path);
    if (!cache.references().isEmpty()) {
      return cache(cache);
    }
    if (storage.exists(Storage.join(path, PREPARED))) {
      ObjectNode found = holds("prepared data", path);
      for (Storage.Entry entry : storage.list(Storage.join(path, PREPARED))) {
        String name = entry.name();
        rows(storage, entry.path()).ifPresent(rows -> found.set(name, rows));
      }
      for (String split : List.of("train", "eval")) {
        String shards = new RunDirectory(path).shards(split);
        if (Manifest.isIn(storage, shards)) {
          found.set("shards-" + split, shards(storage, shards));
        }
      }
      return found;
    }
    Optional<ObjectNode> rows = rows(storage, path);
    if (rows.isPresent()) {
      return rows.get();
    }
    if (Manifest.isIn(storage, path)) {
      return shards(storage, path);
    }
    if (LedgerSummary.isLedger(storage, path)) {
      return ledger(storage, path);
    }
    List<Long> steps = TrainingStateStore.of(storage, path).steps();
    if (!steps.isEmpty()) {
      ObjectNode found = holds("training states", path);
      found.set("steps", Json.MAPPER.valueToTree(steps));
      return found;
    }
    throw new PlumblineException(
        ErrorCode.INPUT_NOT_FOUND,
        path
            + " holds nothing of Plumbline's: name a run's, a pipeline's or an evaluation's output"
            + " directory, a model directory, a reference cache, mined data, a ledger, prepared rows, shards or"
            + " checkpoints.");
  }

  /** What prepare says of the rows in a directory, where there are any. */
  private static Optional<ObjectNode> rows(Storage storage, String path) {
    String manifest = Storage.join(path, Manifest.FILE);
    if (!storage.exists(manifest)) {
      return Optional.empty();
    }
    JsonNode read;
    try {
      read = Json.MAPPER.readTree(storage.readText(manifest));
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, manifest + " is damaged: prepare the data again.", e);
    }
    if (!read.path("format").asText().equals("plumbline.prepared")) {
      return Optional.empty();
    }
    ObjectNode found = holds("prepared rows", path);
    found.set("rows_of_sources", read.path("sources"));
    read.path("counts").properties().forEach(count -> found.set(count.getKey(), count.getValue()));
    if (!read.path("quarantineFiles").isEmpty()) {
      found.set("quarantine", read.path("quarantine"));
    }
    return Optional.of(found.put("fingerprint", read.path("fingerprint").asText()));
  }

  private static ObjectNode holds(String what, String path) {
    return Json.MAPPER.createObjectNode().put("holds", what).put("path", path);
  }

  private static ObjectNode pipeline(Storage storage, String path) {
    PipelineRecord record = PipelineRecord.read(storage, path).orElseThrow();
    ObjectNode found = holds("a pipeline", path).put("file", record.file());
    ArrayNode stages = found.putArray("stages");
    for (PipelineRecord.Stage stage : record.stages()) {
      ObjectNode one =
          stages
              .addObject()
              .put("name", stage.name())
              .put("command", stage.command())
              .put("status", Texts.word(stage.status()))
              .put("seconds", rounded(stage.seconds()))
              .put("output", stage.output());
      if (!stage.error().isEmpty()) {
        one.put("error", stage.error());
      }
    }
    return found;
  }

  private static ObjectNode run(Storage storage, String path) {
    ObjectNode found = holds("a run", path);
    found.setAll(RunRecord.read(storage, Storage.join(path, "run.json")).json());
    List<Long> steps = TrainingStateStore.of(storage, Storage.join(path, "checkpoints")).steps();
    found.set("training_states", Json.MAPPER.valueToTree(steps));
    String checkpoint = Storage.join(path, "checkpoint");
    if (ModelDirectory.isIn(storage, checkpoint)) {
      found.set("checkpoint", model(storage, checkpoint));
    }
    String ledger = new RunDirectory(path).ledger();
    if (LedgerSummary.isLedger(storage, ledger)) {
      found.set("ledger", ledger(storage, ledger));
    }
    return found;
  }

  /** Without the long lists of an evaluation, which its report draws. */
  private static ObjectNode evaluation(Storage storage, String path) {
    String file = Storage.join(path, EvaluateCommand.RESULT);
    ObjectNode found = holds("an evaluation", path);
    try {
      found.setAll((ObjectNode) Json.MAPPER.readTree(storage.readText(file)));
    } catch (JsonProcessingException | ClassCastException e) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA, file + " is damaged: run the evaluation again.", e);
    }
    found.remove("samples");
    if (found.get("tilt") instanceof ObjectNode tilt) {
      tilt.remove(List.of("frontier", "best_of_n"));
    }
    for (JsonNode policy : found.path("policies")) {
      if (policy.get("preferences") instanceof ObjectNode preferences) {
        preferences.remove("reliability");
      }
    }
    return found;
  }

  private static ObjectNode ledger(Storage storage, String path) {
    LedgerSummary summary = LedgerSummary.of(storage, path, SAMPLES);
    ObjectNode found =
        holds("a ledger", path).put("rollouts", summary.rows()).put("phases", summary.phases());
    ArrayNode ranges = found.putArray("steps");
    for (LedgerSummary.Range range : summary.ranges()) {
      ObjectNode steps =
          ranges
              .addObject()
              .put("from", range.firstStep())
              .put("to", range.lastStep())
              .put("rollouts", range.rows());
      range.reward().ifPresent(reward -> steps.put("reward", rounded(reward)));
      range.rewards().forEach((name, mean) -> steps.put("rewards/" + name, rounded(mean)));
      range.costs().forEach((name, mean) -> steps.put("costs/" + name, rounded(mean)));
      steps
          .put("completion_tokens", rounded(range.completionTokens()))
          .put("truncated", rounded(range.truncated()))
          .put("dropped", rounded(range.dropped()));
      if (range.failures() > 0) {
        steps.put("failures", range.failures());
      }
    }
    samples(found.putArray("highest_rewards"), summary.best());
    samples(found.putArray("lowest_rewards"), summary.worst());
    return found;
  }

  private static void samples(ArrayNode list, List<LedgerSummary.Sample> samples) {
    for (LedgerSummary.Sample sample : samples) {
      list.addObject()
          .put("reward", rounded(sample.reward()))
          .put("step", sample.step())
          .put("prompt_index", sample.promptIndex())
          .put("completion_tokens", sample.completionTokens())
          .put("prompt", shortened(sample.prompt()))
          .put("completion", shortened(sample.completion()));
    }
  }

  /** Means are read by people: four places after the point. */
  private static double rounded(double value) {
    return Math.abs(value) < 1e9 ? Math.round(value * 1e4) / 1e4 : value;
  }

  /** On one line, the middle left out where it is long: how a text begins and ends tells most. */
  private static String shortened(String text) {
    String line = text.replaceAll("\\p{Cntrl}+", " ").strip();
    int length = line.codePointCount(0, line.length());
    if (length <= LONGEST_TEXT) {
      return line;
    }
    int half = LONGEST_TEXT / 2;
    return line.substring(0, line.offsetByCodePoints(0, half))
        + " … "
        + line.substring(line.offsetByCodePoints(line.length(), -half));
  }

  private static ObjectNode model(Storage storage, String path) {
    ModelDirectory model = ModelDirectory.open(storage, path);
    Map<String, Long> byDtype = new TreeMap<>();
    for (ModelDirectory.TensorInfo tensor : model.tensors()) {
      byDtype.merge(tensor.dtype(), tensor.elements(), Long::sum);
    }
    JsonNode config = model.config();
    ObjectNode found =
        holds(model.kind() == ModelDirectory.Kind.REWARD_MODEL ? "a reward model" : "a model", path)
            .put("family", config.path("model_type").asText())
            .put("parameters", model.parameters())
            .put("tensors", model.tensors().size());
    model
        .adapter()
        .ifPresent(
            adapter ->
                found
                    .put("adapter_of", model.base().path())
                    .put("adapter_parameters", adapter.parameters()));
    found.set("parameters_by_dtype", Json.MAPPER.valueToTree(byDtype));
    for (String size :
        List.of(
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "intermediate_size",
            "vocab_size",
            "max_position_embeddings",
            "tie_word_embeddings")) {
      if (config.has(size)) {
        found.set(size, config.get(size));
      }
    }
    found.set(
        "tokenizer_files", Json.MAPPER.valueToTree(model.tokenizerFiles().contents().keySet()));
    return found.put("fingerprint", model.fingerprint());
  }

  private static ObjectNode cache(CacheSummary cache) {
    ObjectNode found = holds("a reference cache", cache.directory()).put("rows", cache.rows());
    found.set("references", Json.MAPPER.valueToTree(cache.references()));
    return found;
  }

  private static ObjectNode shards(Storage storage, String path) {
    CanonicalShards shards = CanonicalShards.open(storage, path);
    ObjectNode found = holds("canonical shards", path);
    found.setAll((ObjectNode) Json.MAPPER.valueToTree(shards.plan()));
    return found.put("order", Texts.word(shards.order())).put("fingerprint", shards.fingerprint());
  }

  /** A line a value, objects indented below their name. */
  private static void print(ObjectNode object, String indent, Console console) {
    int widest = object.properties().stream().mapToInt(e -> e.getKey().length()).max().orElse(1);
    int width = Math.max(widest, Math.max(1, 26 - indent.length()));
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      JsonNode value = entry.getValue();
      if (value instanceof ObjectNode inner) {
        console.out().println(indent + entry.getKey());
        print(inner, indent + "  ", console);
      } else if (value.isArray() && !value.isEmpty() && value.get(0).isObject()) {
        console.out().println(indent + entry.getKey());
        for (JsonNode item : value) {
          print((ObjectNode) item, indent + "  ", console);
          console.out().println();
        }
      } else {
        console
            .out()
            .println(
                String.format(
                    Locale.ROOT, "%s%-" + width + "s %s", indent, entry.getKey(), text(value)));
      }
    }
  }

  /** A value for people: the many digits of a double tell them nothing. */
  private static String text(JsonNode value) {
    if (value.isIntegralNumber()) {
      return String.format(Locale.ROOT, "%,d", value.asLong());
    }
    if (value.isFloatingPointNumber()) {
      BigDecimal rounded = value.decimalValue().round(SHOWN_DIGITS).stripTrailingZeros();
      return rounded.scale() > MOST_DECIMALS ? rounded.toString() : rounded.toPlainString();
    }
    if (value.isArray()) {
      List<String> texts = new ArrayList<>();
      value.forEach(one -> texts.add(text(one)));
      return String.join(", ", texts);
    }
    return value.asText();
  }
}
