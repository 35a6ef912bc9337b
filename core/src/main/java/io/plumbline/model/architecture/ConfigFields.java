package io.plumbline.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The fields of a config.json, with a sentence that names the checkpoint and the field where one is
 * not what it should be. Absent and null mean the same, but where a family says otherwise.
 */
final class ConfigFields {
  private static final Logger LOG = LoggerFactory.getLogger(ConfigFields.class);

  private static final Set<String> DTYPES =
      Set.of("float32", "float", "float16", "half", "bfloat16", "float64", "double", "auto");

  /**
   * Settings that some family computes, with the value that changes nothing; NaN where every value
   * changes something. transformers ignores them in other families, so a checkpoint that has one
   * was made for other code and would silently compute something else here.
   */
  private static final Map<String, Double> NEUTRAL = neutral();

  private final ObjectNode config;
  private final String where;

  /** By the names of fields here, those that they have in the file where these are others. */
  private final Map<String, String> inFile;

  ConfigFields(ObjectNode config, String where) {
    this(config, where, Map.of());
  }

  private ConfigFields(ObjectNode config, String where, Map<String, String> inFile) {
    this.config = config;
    this.where = where;
    this.inFile = inFile;
  }

  private static Map<String, Double> neutral() {
    Map<String, Double> neutral = new TreeMap<>();
    for (String cap : List.of("final_logit_softcapping", "attn_logit_softcapping", "clip_qkv")) {
      neutral.put(cap, Double.NaN);
    }
    for (String factor :
        List.of(
            "logit_scale",
            "logits_scaling",
            "embedding_multiplier",
            "residual_multiplier",
            "scale_emb")) {
      neutral.put(factor, 1.0);
    }
    for (String other :
        List.of(
            "attention_multiplier",
            "query_pre_attn_scalar",
            "scale_depth",
            "dim_model_base",
            "attention_chunk_size",
            "no_rope_layers")) {
      neutral.put(other, Double.NaN);
    }
    for (String count :
        List.of(
            "num_local_experts",
            "num_experts",
            "n_routed_experts",
            "use_qk_norm",
            "qk_norm",
            "qk_layernorm",
            "alibi",
            "no_rope_layer_interval",
            "use_parallel_residual",
            "parallel_attn")) {
      neutral.put(count, 0.0);
    }
    return neutral;
  }

  /** The model_type, or a failure where there is none. */
  String family() {
    JsonNode named = config.path("model_type");
    if (!named.isTextual()) {
      throw bad("has no model_type in its config.json");
    }
    return named.asText();
  }

  /** A model of images and text around a language model. */
  boolean isComposite() {
    return config.path("text_config").isObject();
  }

  /**
   * The same with fields under the names that other families have for them.
   *
   * @param commonNames by the name in the file, which counts where both are there
   */
  ConfigFields renamed(Map<String, String> commonNames) {
    ObjectNode renamed = config.deepCopy();
    Map<String, String> names = new HashMap<>();
    commonNames.forEach(
        (own, common) -> {
          names.put(common, own);
          if (config.has(own)) {
            renamed.set(common, config.get(own));
          }
        });
    return new ConfigFields(renamed, where, names);
  }

  private String inFile(String key) {
    return inFile.getOrDefault(key, key);
  }

  /** Fails where a setting is on that is not computed. */
  void requireOff(String key) {
    if (flag(key)) {
      throw bad("sets " + key + ", which is not supported");
    }
  }

  /** The whole of it. */
  ObjectNode object() {
    return config;
  }

  /** A field as it is; missing where it is not there. */
  JsonNode field(String key) {
    return config.path(key);
  }

  boolean has(String key) {
    return config.has(key);
  }

  /**
   * Fails where the field names another value than these, by which transformers calls one function.
   */
  void requireOneOf(String key, List<String> names) {
    if (!isNull(key) && !names.contains(config.path(key).asText())) {
      throw bad(
          "uses "
              + key
              + " \""
              + config.path(key).asText()
              + "\", only "
              + names.get(0)
              + " is supported");
    }
  }

  /** Weights that are not plain numbers. */
  void refuseOtherNumbers() {
    for (String key : List.of("quantization_config", "compression_config")) {
      JsonNode quantised = config.path(key);
      if (!isNull(key)) {
        String method = quantised.path("quant_method").asText(quantised.path("format").asText(""));
        throw bad(
            "holds quantised weights ("
                + key
                + (method.isEmpty() ? "" : " with quant_method " + method)
                + "), which cannot be read: name the model that they were made from, or load it in"
                + " transformers, call dequantize() and save_pretrained, and name what it wrote");
      }
    }
    for (String key : List.of("dtype", "torch_dtype")) {
      JsonNode dtype = config.path(key);
      if (dtype.isTextual() && !DTYPES.contains(dtype.asText().replaceFirst("^torch\\.", ""))) {
        throw bad(
            "has the "
                + key
                + " \""
                + dtype.asText()
                + "\", only float32, float16, bfloat16 and float64 are read; save the model in one"
                + " of them");
      }
    }
  }

  /**
   * Refuses by name what would change the numbers and is not computed.
   *
   * @param computed the settings of other families that this one has too
   */
  void refuseOtherCode(Set<String> computed) {
    if (flag("use_bidirectional_attention")) {
      throw bad(
          "attends to later tokens too (use_bidirectional_attention), which is not supported");
    }
    if (config.path("is_causal").isBoolean() && !config.path("is_causal").asBoolean()) {
      throw bad("attends to later tokens too (is_causal is false), which is not supported");
    }
    JsonNode perLayer = config.path("per_layer_config");
    if (!isNull("per_layer_config") && !perLayer.isEmpty()) {
      throw bad("has layers that differ (per_layer_config), which is not supported");
    }
    NEUTRAL.forEach(
        (key, neutral) -> {
          JsonNode value = config.path(key);
          boolean changesNothing =
              computed.contains(key)
                  || isNull(key)
                  || (value.isBoolean() && !value.asBoolean())
                  || (value.isNumber() && value.asDouble() == neutral);
          if (!changesNothing) {
            throw bad(
                "has the setting "
                    + key
                    + " ("
                    + value
                    + "), which no "
                    + config.path("model_type").asText()
                    + " model of transformers computes and neither does Plumbline: its weights were"
                    + " made for other code; take the setting out of config.json if it means"
                    + " nothing");
          }
        });
    if (config.path("auto_map").has("AutoModelForCausalLM")
        || config.path("auto_map").has("AutoModel")
        || config.path("auto_map").has("AutoModelForSequenceClassification")) {
      LOG.warn(
          "{} names code of its own (auto_map), which is not run: it is computed as a plain {}"
              + " model, as in transformers without trust_remote_code",
          where,
          config.path("model_type").asText());
    }
  }

  PlumblineException bad(String what) {
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, where + " " + what);
  }

  boolean isNull(String key) {
    return config.path(key).isMissingNode() || config.path(key).isNull();
  }

  boolean flag(String key) {
    JsonNode node = config.path(key);
    if (!isNull(key) && !node.isBoolean()) {
      throw bad("needs true or false as " + key + " in its config.json, not " + node);
    }
    return node.asBoolean(false);
  }

  int sizeOr(String key, int otherwise) {
    return isNull(key) ? otherwise : size(key);
  }

  int size(String key) {
    JsonNode node = config.path(key);
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() < 1) {
      throw bad(
          "needs a positive whole number as "
              + inFile(key)
              + " in its config.json, not "
              + (node.isMissingNode() ? "nothing" : node.toString()));
    }
    return node.asInt();
  }

  double positive(JsonNode holder, String key) {
    JsonNode value = holder.path(key);
    if (!value.isNumber() || !(value.asDouble() > 0) || Double.isInfinite(value.asDouble())) {
      throw bad(
          "needs a positive "
              + inFile(key)
              + " in its config.json"
              + (value.isMissingNode() ? "" : ", not " + value));
    }
    return value.asDouble();
  }

  /** A whole number that may be 0. */
  int countOr(String key, int otherwise) {
    JsonNode node = config.path(key);
    return node.isIntegralNumber() && node.asLong() == 0 ? 0 : sizeOr(key, otherwise);
  }

  boolean flagOr(String key, boolean otherwise) {
    return isNull(key) ? otherwise : flag(key);
  }

  double positiveOr(String key, double otherwise) {
    return isNull(key) ? otherwise : positive(config, key);
  }

  /** A small number that is added to a mean of squares or a variance. */
  double epsilon(String key, double otherwise) {
    JsonNode value = config.path(key);
    if (isNull(key)) {
      return otherwise;
    }
    if (!value.isNumber() || !(value.asDouble() >= 0 && value.asDouble() < 1)) {
      throw bad("needs a small number as " + inFile(key) + " in its config.json, not " + value);
    }
    return value.asDouble();
  }
}
