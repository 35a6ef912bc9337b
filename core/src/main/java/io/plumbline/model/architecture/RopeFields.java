package io.plumbline.model.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Reads rotary positions: transformers 5 keeps all of them in rope_parameters, in some families an
 * object a type of layer; transformers 4 has rope_scaling and rope_theta. Where both are, version 5
 * takes rope_scaling.
 */
final class RopeFields {
  private final ConfigFields config;
  private final int headDim;

  /** Context in which the frequencies were trained, where the settings do not say. */
  private final int positions;

  RopeFields(ConfigFields config, int headDim, int leftOutPositions) {
    this.config = config;
    this.headDim = headDim;
    this.positions = config.sizeOr("max_position_embeddings", leftOutPositions);
  }

  /**
   * The rotary positions of all layers.
   *
   * @param theta base where the settings name none
   */
  Rope ofAllLayers(double theta) {
    return ofAllLayers(theta, 1);
  }

  /**
   * The rotary positions of all layers, of a part of each head.
   *
   * @param part of a head that is rotated where the settings do not say
   */
  Rope ofAllLayers(double theta, double part) {
    JsonNode found = settings();
    for (Map.Entry<String, JsonNode> entry : found.properties()) {
      if (entry.getValue().isObject()) {
        throw config.bad(
            "has rotary positions of its own for layers of the type "
                + entry.getKey()
                + " (rope_parameters), which no "
                + config.family()
                + " model of transformers has");
      }
    }
    return read(found, theta(found, "rope_theta", theta), part);
  }

  /**
   * The rotary positions of one type of layer, in families that have them by type.
   *
   * @param older the field of transformers 4 that names the base of this type
   * @param theta base where the settings name none
   * @param scaled whether rope_scaling of transformers 4 is of this type
   */
  Rope ofLayers(String type, String older, double theta, Scaled scaled) {
    JsonNode byType = config.field("rope_parameters").path(type);
    JsonNode scaling = config.field("rope_scaling");
    JsonNode found = byType;
    if (scaled == Scaled.YES && !scaling.isEmpty()) {
      found = scaling.path(type).isObject() ? scaling.path(type) : scaling;
    }
    for (JsonNode holder : List.of(byType, found)) {
      if (holder.has("rope_theta")) {
        return read(found, config.positive(holder, "rope_theta"), 1);
      }
    }
    return read(found, config.positiveOr(older, theta), 1);
  }

  /** Whether a stretch of frequencies that transformers 4 has for all layers is of this type. */
  enum Scaled {
    YES,
    NO
  }

  private JsonNode settings() {
    JsonNode found = MissingNode.getInstance();
    for (String key : List.of("rope_scaling", "rope_parameters")) {
      JsonNode value = config.field(key);
      if (!config.isNull(key) && !value.isObject()) {
        throw config.bad("needs an object as " + key + " in its config.json, not " + value);
      }
      if (found.isMissingNode() && !value.isEmpty()) {
        found = value;
      }
    }
    return found;
  }

  private double theta(JsonNode rope, String key, double otherwise) {
    return rope.has(key) ? config.positive(rope, key) : config.positiveOr(key, otherwise);
  }

  private Rope read(JsonNode rope, double theta, double leftOutPart) {
    int dims = (int) (headDim * partial(rope, leftOutPart));
    if (dims < 2 || dims % 2 != 0) {
      throw config.bad(
          "rotates "
              + dims
              + " elements of each head (head_dim times partial_rotary_factor), which"
              + " must be an even number");
    }
    return new Rope(theta, scaling(rope, theta, dims), dims);
  }

  private double partial(JsonNode rope, double leftOut) {
    for (JsonNode value :
        List.of(rope.path("partial_rotary_factor"), config.field("partial_rotary_factor"))) {
      if (!value.isMissingNode() && !value.isNull()) {
        if (!(value.asDouble() > 0 && value.asDouble() <= 1)) {
          throw config.bad("needs a partial_rotary_factor above 0 and at most 1, not " + value);
        }
        return value.asDouble();
      }
    }
    return leftOut;
  }

  private RopeScaling scaling(JsonNode rope, double theta, int dims) {
    String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
    if (config.family().equals("phi3") && (type.equals("su") || type.equals("yarn"))) {
      type = "longrope";
    }
    return switch (type) {
      // What dynamic stretches are texts beyond the context, which are refused or cut elsewhere.
      case "default", "dynamic" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(config.positive(rope, "factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              config.positive(rope, "factor"),
              config.positive(rope, "low_freq_factor"),
              config.positive(rope, "high_freq_factor"),
              originalPositions(rope));
      case "yarn" -> yarn(rope, theta, dims);
      case "longrope" -> longRope(rope, dims);
      default ->
          throw config.bad(
              "uses rope_type \""
                  + type
                  + "\", which is not supported; supported are default, linear, dynamic, llama3,"
                  + " yarn and longrope");
    };
  }

  private RopeScaling yarn(JsonNode rope, double theta, int dims) {
    double original = originalPositions(rope);
    double factor =
        rope.path("factor").isNumber() ? config.positive(rope, "factor") : positions / original;
    double low = rampPlace(numberOr(rope, "beta_fast", 32), theta, dims, original);
    double high = rampPlace(numberOr(rope, "beta_slow", 1), theta, dims, original);
    if (rope.path("truncate").asBoolean(true)) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    double mscale = numberOr(rope, "mscale", 0);
    double mscaleAllDim = numberOr(rope, "mscale_all_dim", 0);
    double magnitude =
        mscale != 0 && mscaleAllDim != 0
            ? yarnMagnitude(factor, mscale) / yarnMagnitude(factor, mscaleAllDim)
            : yarnMagnitude(factor, 1);
    return new RopeScaling.Yarn(
        factor,
        Math.max(low, 0),
        Math.min(high, dims - 1),
        numberOr(rope, "attention_factor", magnitude));
  }

  private static double yarnMagnitude(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }

  /** The pair of elements that turns so many times within the original context. */
  private static double rampPlace(double turns, double theta, int dims, double original) {
    return dims * Math.log(original / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  }

  private RopeScaling longRope(JsonNode rope, int dims) {
    double original = originalPositions(rope);
    double factor =
        rope.path("factor").isNumber() ? config.positive(rope, "factor") : positions / original;
    double magnitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
    return new RopeScaling.LongRope(
        factors(rope, "short_factor", dims),
        factors(rope, "long_factor", dims),
        (int) original,
        numberOr(rope, "attention_factor", magnitude));
  }

  private List<Double> factors(JsonNode rope, String key, int dims) {
    List<Double> factors = new ArrayList<>();
    rope.path(key).forEach(factor -> factors.add(factor.asDouble()));
    if (factors.size() != dims / 2 || factors.stream().anyMatch(factor -> !(factor > 0))) {
      throw config.bad(
          "needs "
              + dims / 2
              + " positive numbers as "
              + key
              + " in its RoPE settings, not "
              + factors.size());
    }
    return factors;
  }

  private static double numberOr(JsonNode rope, String key, double otherwise) {
    return rope.path(key).isNumber() ? rope.path(key).asDouble() : otherwise;
  }

  /** Beside the other settings it wins; left out it is the model's own context. */
  private double originalPositions(JsonNode rope) {
    String key = "original_max_position_embeddings";
    if (!config.isNull(key)) {
      return config.positive(config.object(), key);
    }
    return rope.has(key) ? config.positive(rope, key) : positions;
  }
}
