package io.plumbline.spark.training.rank;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Metrics as a line of JSON and back, as the run's file has them. Numbers that are not finite
 * become null, which JSON has.
 */
public final class MetricLine {
  private static final Set<String> COUNTS = Set.of("step", "num_tokens");

  private MetricLine() {}

  public static String write(Map<String, Double> metrics) {
    return json(metrics).toString();
  }

  public static ObjectNode json(Map<String, Double> metrics) {
    ObjectNode node = Json.MAPPER.createObjectNode();
    metrics.forEach(
        (name, value) -> {
          if (COUNTS.contains(name)) {
            node.put(name, value.longValue());
          } else if (Double.isFinite(value)) {
            node.put(name, value);
          } else {
            node.putNull(name);
          }
        });
    return node;
  }

  public static Map<String, Double> read(String line) {
    try {
      return read(Json.MAPPER.readTree(line));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("a metrics line is not JSON", e);
    }
  }

  public static Map<String, Double> read(JsonNode line) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    line.properties()
        .forEach(
            field -> {
              JsonNode value = field.getValue();
              metrics.put(field.getKey(), value.isNull() ? Double.NaN : value.asDouble());
            });
    return metrics;
  }
}
