package io.plumbline.spark.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What rank 0 tells the driver: metrics as a line of JSON and back. Numbers that are not finite
 * become null, which JSON has.
 */
final class MetricLine {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Set<String> COUNTS = Set.of("step", "num_tokens");

  private MetricLine() {}

  static String write(Map<String, Double> metrics) {
    ObjectNode node = JSON.createObjectNode();
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
    return node.toString();
  }

  /** A sentence for the user, told from metrics by being a JSON text. */
  static String writeNote(String sentence) {
    return JSON.getNodeFactory().textNode(sentence).toString();
  }

  /** The sentence of {@link #writeNote}; empty where the line is one of metrics. */
  static Optional<String> note(String line) {
    try {
      JsonNode node = JSON.readTree(line);
      return node.isTextual() ? Optional.of(node.asText()) : Optional.empty();
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("a line of a rank is not JSON", e);
    }
  }

  /** How far an evaluation is, told from metrics by being an array. */
  static String writeEvaluated(long done, long total) {
    return JSON.createArrayNode().add(done).add(total).toString();
  }

  /** Rows done and all rows, of {@link #writeEvaluated}; empty where the line is another. */
  static Optional<long[]> evaluated(String line) {
    try {
      JsonNode node = JSON.readTree(line);
      return node.isArray()
          ? Optional.of(new long[] {node.path(0).asLong(), node.path(1).asLong()})
          : Optional.empty();
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("a line of a rank is not JSON", e);
    }
  }

  static Map<String, Double> read(String line) {
    try {
      Map<String, Double> metrics = new LinkedHashMap<>();
      JSON.readTree(line)
          .properties()
          .forEach(
              field -> {
                JsonNode value = field.getValue();
                metrics.put(field.getKey(), value.isNull() ? Double.NaN : value.asDouble());
              });
      return metrics;
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("a metrics line is not JSON", e);
    }
  }
}
