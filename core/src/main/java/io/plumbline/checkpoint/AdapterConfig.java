package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * PEFT's adapter_config.json of a LoRA adapter (peft 0.21, {@code LoraConfig}): which modules are
 * adapted and by what.
 */
public final class AdapterConfig {
  static final String FILE = "adapter_config.json";

  /** What PEFT's name for every linear module but the head is. */
  public static final String ALL_LINEAR = "all-linear";

  private static final String RANK = "r";
  private static final String ALPHA = "lora_alpha";
  private static final String TARGETS = "target_modules";
  private static final String SAVED = "modules_to_save";
  private static final String BASE = "base_model_name_or_path";
  private static final String RS_LORA = "use_rslora";
  private static final String DROPOUT = "lora_dropout";
  private static final String DORA = "use_dora";
  private static final String TRANSPOSED = "fan_in_fan_out";
  private static final String TASK = "task_type";

  /** Fields that change what an adapter computes in a way that is not computed here. */
  private static final Set<String> REFUSED =
      Set.of(
          "alora_invocation_tokens",
          "layer_replication",
          "lora_bias",
          "target_parameters",
          "trainable_token_indices",
          "use_bdlora",
          "use_qalora",
          "velora_config",
          "monteclora_config",
          "kasa_config",
          "arrow_config");

  /** Beginnings of weights that change nothing of the base. */
  private static final Set<String> PLAIN_STARTS =
      Set.of("true", "false", "gaussian", "eva", "orthogonal");

  /** Fields that decide what an adapter computes. */
  private static final List<String> DECIDING =
      List.of(RANK, ALPHA, "rank_pattern", "alpha_pattern", RS_LORA, DORA, TRANSPOSED, TASK);

  /** What an adapter is for. */
  public enum Task {
    CAUSAL_LM,
    /** A head that scores, which is trained whole. */
    SEQ_CLS
  }

  private final ObjectNode json;

  private AdapterConfig(ObjectNode json) {
    this.json = json;
  }

  /**
   * An adapter of some modules.
   *
   * @param targets names of modules, or one pattern in a list of its own, or {@link #ALL_LINEAR}
   * @param saved names of modules that are trained whole
   */
  public static AdapterConfig lora(
      int rank, double alpha, double dropout, List<String> targets, List<String> saved, Task task) {
    ObjectNode json = PythonJson.object();
    json.putObject("alpha_pattern");
    json.putNull(BASE);
    json.put("bias", "none");
    json.put(TRANSPOSED, false);
    json.put("inference_mode", true);
    json.put("init_lora_weights", true);
    if (alpha == Math.rint(alpha)) {
      json.put(ALPHA, (long) alpha);
    } else {
      json.put(ALPHA, alpha);
    }
    json.put(DROPOUT, dropout);
    if (saved.isEmpty()) {
      json.putNull(SAVED);
    } else {
      saved.forEach(json.putArray(SAVED)::add);
    }
    json.put("peft_type", "LORA");
    json.put(RANK, rank);
    json.putObject("rank_pattern");
    if (targets.size() == 1 && (isPattern(targets.get(0)) || targets.get(0).equals(ALL_LINEAR))) {
      json.put(TARGETS, targets.get(0));
    } else {
      targets.forEach(json.putArray(TARGETS)::add);
    }
    json.put(TASK, task.name());
    json.put(DORA, false);
    json.put(RS_LORA, false);
    return new AdapterConfig(json);
  }

  /** Whether the scale is alpha over the root of the rank (rsLoRA, Kalajdzievski, 2023). */
  public AdapterConfig rankStabilized(boolean on) {
    return with(RS_LORA, on);
  }

  /** Whether rows learn their lengths (DoRA, Liu et al., 2024). */
  public AdapterConfig weightDecomposed(boolean on) {
    return with(DORA, on);
  }

  /** With matrices that stand transposed in the base: PEFT's fan_in_fan_out. */
  public AdapterConfig transposed(boolean on) {
    return with(TRANSPOSED, on);
  }

  /** With a dropout of its inputs while it is trained. */
  AdapterConfig dropout(double rate) {
    ObjectNode changed = json.deepCopy();
    changed.put(DROPOUT, rate);
    return new AdapterConfig(changed);
  }

  /** With a path of the model that it adapts. */
  public AdapterConfig ofBase(String path) {
    ObjectNode changed = json.deepCopy();
    changed.put(BASE, path);
    return new AdapterConfig(changed);
  }

  /** With the names of its modules instead of what they were chosen by. */
  public AdapterConfig ofModules(List<String> names) {
    ObjectNode changed = json.deepCopy();
    names.forEach(changed.putArray(TARGETS)::add);
    return new AdapterConfig(changed);
  }

  private AdapterConfig with(String field, boolean value) {
    ObjectNode changed = json.deepCopy();
    changed.put(field, value);
    return new AdapterConfig(changed);
  }

  /** A text that is a regular expression and no name. */
  static boolean isPattern(String text) {
    return !text.matches("[\\w.-]+");
  }

  /**
   * Reads the configuration in an adapter's directory.
   *
   * @throws PlumblineException BAD_CHECKPOINT where it is none of LoRA, or has a field that changes
   *     the numbers in a way that is not computed
   */
  static AdapterConfig read(Storage storage, String directory) {
    String path = Storage.join(directory, FILE);
    ObjectNode json = PythonJson.read(storage, path);
    AdapterConfig config = new AdapterConfig(json);
    String type = json.path("peft_type").asText("");
    if (!type.equals("LORA")) {
      throw bad(path, "has peft_type \"" + type + "\"; only LORA adapters are supported");
    }
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (REFUSED.contains(field.getKey()) && isSet(field.getValue())) {
        throw bad(path, "sets " + field.getKey() + ", which is not supported");
      }
    }
    if (!json.path("bias").asText("none").equals("none")) {
      throw bad(
          path,
          "trains biases (bias \"" + json.path("bias").asText() + "\"), which is not supported");
    }
    String start = json.path("init_lora_weights").asText("true").toLowerCase(java.util.Locale.ROOT);
    if (!PLAIN_STARTS.contains(start)) {
      throw bad(
          path,
          "begins its weights by \""
              + start
              + "\", which changes the model below it: save it converted"
              + " (path_initial_model_for_weight_conversion of PEFT's save_pretrained)");
    }
    if (config.rank() < 1) {
      throw bad(path, "has no rank: r is " + json.path(RANK));
    }
    return config;
  }

  private static boolean isSet(JsonNode value) {
    return !(value.isNull()
        || (value.isBoolean() && !value.asBoolean())
        || (value.isContainerNode() && value.isEmpty()));
  }

  private static PlumblineException bad(String path, String what) {
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, path + " " + what + ".");
  }

  /** The model that it adapts, as the file names it; empty where it names none. */
  public String base() {
    return json.path(BASE).isTextual() ? json.path(BASE).asText() : "";
  }

  /** The rank of modules that have none of their own. */
  public int rank() {
    return json.path(RANK).asInt();
  }

  /** The rank of a module's adapter. */
  public int rank(String module) {
    return ofPattern("rank_pattern", module).asInt(rank());
  }

  /** The dropout of an adapter's input while it is trained. */
  public double dropout() {
    return json.path(DROPOUT).asDouble(0);
  }

  /** What multiplies B A of a module's adapter. */
  public double scale(String module, int rank) {
    double alpha = ofPattern("alpha_pattern", module).asDouble(json.path(ALPHA).asDouble(8));
    return json.path(RS_LORA).asBoolean() ? alpha / Math.sqrt(rank) : alpha / rank;
  }

  /** As PEFT's get_pattern_key: a pattern is the end of a name, behind a dot. */
  private JsonNode ofPattern(String field, String module) {
    for (Map.Entry<String, JsonNode> entry : json.path(field).properties()) {
      if (pattern("(.*\\.)?(" + entry.getKey() + ")").matcher(module).matches()) {
        return entry.getValue();
      }
    }
    return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
  }

  public boolean weightDecomposed() {
    return json.path(DORA).asBoolean();
  }

  boolean transposed() {
    return json.path(TRANSPOSED).asBoolean();
  }

  public Task task() {
    return json.path(TASK).asText().equals(Task.SEQ_CLS.name()) ? Task.SEQ_CLS : Task.CAUSAL_LM;
  }

  /** Names of modules that are trained whole. */
  public List<String> saved() {
    List<String> names = new ArrayList<>();
    json.path(SAVED).forEach(name -> names.add(name.asText()));
    return names;
  }

  /**
   * Whether a linear module of a layer is adapted, as PEFT's check_target_module_exists: by the end
   * of its name, or by a pattern that is the whole of it.
   */
  public boolean adapts(String module) {
    JsonNode targets = json.path(TARGETS);
    if (targets.isTextual()) {
      String text = targets.asText();
      return text.equals(ALL_LINEAR) || pattern(text).matcher(module).matches();
    }
    for (JsonNode target : targets) {
      if (isNamed(module, target.asText())) {
        return true;
      }
    }
    return false;
  }

  /** Whether every linear module but the head is adapted. */
  public boolean isAllLinear() {
    return json.path(TARGETS).asText().equals(ALL_LINEAR);
  }

  /** The names of modules that are adapted, where they are named. */
  public List<String> named() {
    List<String> names = new ArrayList<>();
    if (json.path(TARGETS) instanceof ArrayNode targets) {
      targets.forEach(target -> names.add(target.asText()));
    }
    return names;
  }

  /** Whether a module has this name, or ends with it. */
  public static boolean isNamed(String module, String name) {
    return module.equals(name) || module.endsWith("." + name);
  }

  private static Pattern pattern(String text) {
    try {
      return Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "\""
              + text
              + "\" names modules of an adapter and is no regular expression: "
              + e.getDescription()
              + ".",
          e);
    }
  }

  /** What decides the numbers of an adapter, in one spelling. */
  String canonical() {
    Map<String, JsonNode> fields = new TreeMap<>();
    DECIDING.forEach(name -> fields.put(name, json.path(name)));
    return fields.toString();
  }

  /** The file's text. */
  String text() {
    return PythonJson.pretty(json);
  }
}
