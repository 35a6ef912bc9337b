package io.plumbline.spark.publish;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;

/**
 * How a model does on held-out preferences, as {@code evaluate} measured it.
 *
 * @param accuracy share of the pairs whose chosen side it prefers, from 0 to 1
 * @param margin mean implicit reward of the chosen side minus that of the rejected side, in units
 *     of reward
 * @param pairs how many pairs there were
 */
public record HeldOutScores(double accuracy, double margin, long pairs) {
  static HeldOutScores read(JsonNode json) {
    return new HeldOutScores(
        json.path("accuracy").asDouble(Double.NaN),
        json.path("margin").asDouble(Double.NaN),
        json.path("pairs").asLong());
  }

  ObjectNode json() {
    return Json.MAPPER
        .createObjectNode()
        .put("accuracy", accuracy)
        .put("margin", margin)
        .put("pairs", pairs);
  }
}
