package io.plumbline.spark.training.rank;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What a rank tells the driver: as JSON, an object whose one field names the kind. */
public sealed interface RankMessage {
  /** Metrics of a step or an evaluation, in the order in which they should be shown. */
  record Metrics(Map<String, Double> line) implements RankMessage {}

  /** A sentence for the user. */
  record Note(String sentence) implements RankMessage {}

  /** So many held-out rows of all are done in an evaluation. */
  record Evaluated(long done, long total) implements RankMessage {}

  /**
   * Rows that alone make a step's loss or gradient infinite or NaN.
   *
   * @param rows their indexes among the rows trained on
   */
  record BadRows(long step, List<Long> rows) implements RankMessage {}

  ObjectMapper JSON = new ObjectMapper();

  /** The message as {@link #read} takes it. */
  default String write() {
    ObjectNode message = JSON.createObjectNode();
    if (this instanceof Metrics metrics) {
      message.set("metrics", MetricLine.json(metrics.line()));
    } else if (this instanceof Note note) {
      message.put("note", note.sentence());
    } else if (this instanceof Evaluated evaluated) {
      message.putObject("evaluated").put("done", evaluated.done()).put("total", evaluated.total());
    } else if (this instanceof BadRows bad) {
      bad.rows()
          .forEach(message.putObject("bad_rows").put("step", bad.step()).putArray("rows")::add);
    }
    return message.toString();
  }

  public static RankMessage read(String written) {
    Map.Entry<String, JsonNode> message;
    try {
      message = JSON.readTree(written).properties().iterator().next();
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("a message of a rank is not JSON", e);
    }
    JsonNode value = message.getValue();
    return switch (message.getKey()) {
      case "metrics" -> new Metrics(MetricLine.read(value));
      case "note" -> new Note(value.asText());
      case "evaluated" -> new Evaluated(value.get("done").asLong(), value.get("total").asLong());
      case "bad_rows" -> {
        List<Long> rows = new ArrayList<>();
        value.get("rows").forEach(row -> rows.add(row.asLong()));
        yield new BadRows(value.get("step").asLong(), rows);
      }
      default -> throw new IllegalArgumentException("no message of a rank: " + message.getKey());
    };
  }
}
