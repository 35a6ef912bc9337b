package io.plumbline.spark.publish;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/**
 * One published version.
 *
 * @param version 1 for the first; a version is never changed and never left out
 * @param model the Hugging Face directory
 * @param fingerprint of its configuration, tokenizer and weights
 * @param evaluation the evaluation.json that it was published on
 * @param scores what it had on the held-out preferences
 * @param publishedAt when
 */
public record PublishedModel(
    long version,
    String model,
    String fingerprint,
    String evaluation,
    HeldOutScores scores,
    Instant publishedAt) {
  private static final String FORMAT = "plumbline.published";

  ObjectNode json() {
    ObjectNode json =
        Json.MAPPER
            .createObjectNode()
            .put("format", FORMAT)
            .put("version", version)
            .put("model", model)
            .put("fingerprint", fingerprint)
            .put("evaluation", evaluation);
    json.set("preferences", scores.json());
    return json.put("published_at", publishedAt.toString());
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @throws PlumblineException BAD_DATA where it is something else
   */
  static PublishedModel read(String path, String text) {
    try {
      JsonNode json = Json.MAPPER.readTree(text);
      if (json.path("format").asText().equals(FORMAT) && json.path("version").asLong() > 0) {
        return new PublishedModel(
            json.path("version").asLong(),
            json.path("model").asText(),
            json.path("fingerprint").asText(),
            json.path("evaluation").asText(),
            HeldOutScores.read(json.path("preferences")),
            Instant.parse(json.path("published_at").asText()));
      }
    } catch (JsonProcessingException | DateTimeParseException e) {
      throw unknown(path, e);
    }
    throw unknown(path, null);
  }

  private static PlumblineException unknown(String path, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        path + " is not a published version that Plumbline wrote: name another --to.",
        cause);
  }
}
