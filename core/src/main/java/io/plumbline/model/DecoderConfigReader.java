package io.plumbline.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a config.json as transformers 5.23's LlamaConfig, MistralConfig and Qwen2Config do: their
 * defaults, their order where a setting stands in two places, and a refusal by name of whatever
 * would change the numbers and is not computed here.
 */
final class DecoderConfigReader {
  private static final Logger LOG = LoggerFactory.getLogger(DecoderConfigReader.class);

  private static final List<String> FAMILIES = List.of("llama", "mistral", "qwen2");

  /** {@code silu} by its two names in transformers' ACT2FN. */
  private static final Set<String> ACTIVATIONS = Set.of("silu", "swish");

  private static final Set<String> DTYPES =
      Set.of("float32", "float", "float16", "half", "bfloat16", "float64", "double", "auto");

  /** What the families take where num_key_value_heads is left out; null means one a head. */
  private static final Map<String, Integer> LEFT_OUT_KEY_VALUE_HEADS =
      Map.of("mistral", 8, "qwen2", 32);

  private static final int LEFT_OUT_SLIDING_WINDOW = 4096;
  private static final int LEFT_OUT_WINDOW_LAYERS = 28;
  private static final Map<String, Integer> LEFT_OUT_POSITIONS =
      Map.of("llama", 2048, "mistral", 131072, "qwen2", 32768);

  /**
   * Settings of relatives of these families, with the value that changes nothing; NaN where every
   * value changes something. transformers ignores them in these families, so a checkpoint that has
   * one was made for other code and would silently compute something else here.
   */
  private static final Map<String, Double> OF_OTHER_CODE = otherCode();

  private final ObjectNode config;
  private final String where;

  DecoderConfigReader(ObjectNode config, String where) {
    this.config = config;
    this.where = where;
  }

  private static Map<String, Double> otherCode() {
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
            "attention_chunk_size")) {
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

  DecoderConfig read() {
    String family = family();
    refuseOtherNumbers();
    refuseOtherCode();
    boolean qwen = family.equals("qwen2");
    boolean llama = family.equals("llama");
    int hidden = size("hidden_size");
    int heads = size("num_attention_heads");
    int layers = size("num_hidden_layers");
    int vocabulary = size("vocab_size");
    refuseSlidingWindows(family, layers);
    JsonNode rope = rope();
    boolean attentionBias = llama && flag("attention_bias");
    return new DecoderConfig(
        family,
        vocabulary,
        hidden,
        size("intermediate_size"),
        layers,
        heads,
        keyValueHeads(family, heads),
        headDim(llama, hidden, heads),
        isNull("max_position_embeddings") ? Integer.MAX_VALUE : size("max_position_embeddings"),
        epsilon(),
        theta(rope),
        scaling(rope, family),
        flag("tie_word_embeddings"),
        qwen || attentionBias,
        attentionBias,
        llama && flag("mlp_bias"),
        padding(vocabulary));
  }

  private String family() {
    JsonNode named = config.path("model_type");
    if (!named.isTextual()) {
      throw bad("has no model_type in its config.json");
    }
    String family = named.asText();
    if (!FAMILIES.contains(family)) {
      throw bad(
          "has the architecture \""
              + family
              + "\", which is not supported; supported are "
              + String.join(", ", FAMILIES)
              + (config.path("text_config").isObject()
                  ? " (of a model of images and text, save its language model alone)"
                  : ""));
    }
    JsonNode activation = config.path("hidden_act");
    if (!isNull("hidden_act") && !ACTIVATIONS.contains(activation.asText())) {
      throw bad("uses hidden_act \"" + activation.asText() + "\", only silu is supported");
    }
    return family;
  }

  /** Weights that are not plain numbers. */
  private void refuseOtherNumbers() {
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

  private void refuseOtherCode() {
    if (config.path("is_causal").isBoolean() && !config.path("is_causal").asBoolean()) {
      throw bad("attends to later tokens too (is_causal is false), which is not supported");
    }
    JsonNode perLayer = config.path("per_layer_config");
    if (!isNull("per_layer_config") && !perLayer.isEmpty()) {
      throw bad("has layers that differ (per_layer_config), which is not supported");
    }
    OF_OTHER_CODE.forEach(
        (key, neutral) -> {
          JsonNode value = config.path(key);
          boolean changesNothing =
              isNull(key)
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

  /** Windows that no token of the promised context falls out of are none. */
  private void refuseSlidingWindows(String family, int layers) {
    JsonNode types = config.path("layer_types");
    for (JsonNode type : types) {
      if (!type.asText().equals("full_attention") && !type.asText().equals("attention")) {
        throw bad(
            "has layer_types with \""
                + type.asText()
                + "\", only full_attention is supported; sliding windows and the like are not");
      }
    }
    if (types.isArray() && types.size() != layers) {
      throw bad("has " + types.size() + " layer_types and num_hidden_layers " + layers);
    }
    boolean window =
        switch (family) {
          case "mistral" -> true;
          case "qwen2" ->
              flag("use_sliding_window")
                  && !types.isArray()
                  && sizeOr("max_window_layers", LEFT_OUT_WINDOW_LAYERS) < layers;
          default -> false;
        };
    if (!window || config.path("sliding_window").isNull()) {
      return;
    }
    int width = config.has("sliding_window") ? size("sliding_window") : LEFT_OUT_SLIDING_WINDOW;
    int positions = sizeOr("max_position_embeddings", LEFT_OUT_POSITIONS.get(family));
    if (width < positions) {
      throw bad(
          "uses sliding-window attention (sliding_window "
              + width
              + (config.has("sliding_window")
                  ? ""
                  : ", which transformers takes where it is left out")
              + " in a context of "
              + positions
              + "), which is not supported; sliding_window null means none");
    }
  }

  private int keyValueHeads(String family, int heads) {
    int kvHeads = heads;
    if (!config.has("num_key_value_heads")) {
      kvHeads = LEFT_OUT_KEY_VALUE_HEADS.getOrDefault(family, heads);
    } else if (!isNull("num_key_value_heads")) {
      kvHeads = size("num_key_value_heads");
    }
    if (heads % kvHeads != 0) {
      throw bad(
          "has "
              + heads
              + " attention heads, which "
              + kvHeads
              + " key/value heads do not divide"
              + (config.has("num_key_value_heads")
                  ? ""
                  : " (what transformers takes where num_key_value_heads is left out)"));
    }
    return kvHeads;
  }

  private int headDim(boolean llama, int hidden, int heads) {
    boolean own = !isNull("head_dim");
    if (hidden % heads != 0 && (llama || !own)) {
      throw bad(
          "has hidden_size "
              + hidden
              + ", which "
              + heads
              + " heads do not divide"
              + (own ? ", as transformers asks of a llama" : ", and no head_dim"));
    }
    int headDim = own ? size("head_dim") : hidden / heads;
    if (headDim % 2 != 0) {
      throw bad("has the odd head_dim " + headDim + ", which rotary positions cannot split");
    }
    return headDim;
  }

  private double epsilon() {
    JsonNode value = config.path("rms_norm_eps");
    if (isNull("rms_norm_eps")) {
      return 1e-6;
    }
    if (!value.isNumber() || !(value.asDouble() >= 0 && value.asDouble() < 1)) {
      throw bad("needs a small number as rms_norm_eps in its config.json, not " + value);
    }
    return value.asDouble();
  }

  /** torch.nn.Embedding takes no padding index outside of its rows, so transformers fails too. */
  private int padding(int vocabulary) {
    JsonNode pad = config.path("pad_token_id");
    if (!isNull("pad_token_id") && !pad.isIntegralNumber()) {
      throw bad("needs a token's id or null as pad_token_id in its config.json, not " + pad);
    }
    if (pad.isNumber() && pad.asLong() >= vocabulary) {
      throw bad(
          "has pad_token_id "
              + pad
              + ", but its embedding has only the rows of vocab_size "
              + vocabulary
              + ": resize the embedding (resize_token_embeddings) or name another padding token");
    }
    return pad.asInt(-1);
  }

  /**
   * All of RoPE in one object: transformers 5 keeps it in rope_parameters, transformers 4 has
   * rope_scaling and rope_theta; where both are, version 5 takes rope_scaling.
   */
  private JsonNode rope() {
    JsonNode found = MissingNode.getInstance();
    for (String key : List.of("rope_scaling", "rope_parameters")) {
      JsonNode value = config.path(key);
      if (!isNull(key) && !value.isObject()) {
        throw bad("needs an object as " + key + " in its config.json, not " + value);
      }
      if (found.isMissingNode() && !value.isEmpty()) {
        found = value;
      }
    }
    for (Map.Entry<String, JsonNode> entry : found.properties()) {
      if (entry.getValue().isObject()) {
        throw bad(
            "has rotary positions of its own for layers of the type "
                + entry.getKey()
                + " (rope_parameters), which is not supported");
      }
    }
    for (JsonNode partial :
        List.of(found.path("partial_rotary_factor"), config.path("partial_rotary_factor"))) {
      if (!partial.isMissingNode() && !partial.isNull() && partial.asDouble() != 1.0) {
        throw bad("uses partial_rotary_factor " + partial.asText() + ", only 1 is supported");
      }
    }
    return found;
  }

  private double theta(JsonNode rope) {
    for (JsonNode holder : List.of(rope, config)) {
      if (holder.has("rope_theta")) {
        return positive(holder, "rope_theta");
      }
    }
    return 10000.0;
  }

  private RopeScaling scaling(JsonNode rope, String family) {
    String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(positive(rope, "factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              positive(rope, "factor"),
              positive(rope, "low_freq_factor"),
              positive(rope, "high_freq_factor"),
              originalPositions(rope, family));
      default ->
          throw bad(
              "uses rope_type \""
                  + type
                  + "\", which is not supported; supported are default,"
                  + " linear and llama3");
    };
  }

  /** Beside the other settings it wins; left out it is the model's own context. */
  private double originalPositions(JsonNode rope, String family) {
    String key = "original_max_position_embeddings";
    if (!isNull(key)) {
      return positive(config, key);
    }
    return rope.has(key)
        ? positive(rope, key)
        : sizeOr("max_position_embeddings", LEFT_OUT_POSITIONS.get(family));
  }

  private PlumblineException bad(String what) {
    return new PlumblineException(ErrorCode.BAD_CHECKPOINT, where + " " + what);
  }

  /** Absent and null mean the same, but where a family has another default than null. */
  private boolean isNull(String key) {
    return config.path(key).isMissingNode() || config.path(key).isNull();
  }

  private boolean flag(String key) {
    JsonNode node = config.path(key);
    if (!isNull(key) && !node.isBoolean()) {
      throw bad("needs true or false as " + key + " in its config.json, not " + node);
    }
    return node.asBoolean(false);
  }

  private int sizeOr(String key, int otherwise) {
    return isNull(key) ? otherwise : size(key);
  }

  private int size(String key) {
    JsonNode node = config.path(key);
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() < 1) {
      throw bad(
          "needs a positive whole number as "
              + key
              + " in its config.json, not "
              + (node.isMissingNode() ? "nothing" : node.toString()));
    }
    return node.asInt();
  }

  private double positive(JsonNode holder, String key) {
    JsonNode value = holder.path(key);
    if (!value.isNumber() || !(value.asDouble() > 0) || Double.isInfinite(value.asDouble())) {
      throw bad(
          "needs a positive "
              + key
              + " in its RoPE settings"
              + (value.isMissingNode() ? "" : ", not " + value));
    }
    return value.asDouble();
  }
}
