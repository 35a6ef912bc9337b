package io.plumbline.spark.publish;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Optional;

/**
 * What became of a candidate. Written once and never changed: its presence means that the matter is
 * closed.
 *
 * @param published whether it became a version
 * @param candidate its Hugging Face directory
 * @param to the pointer file
 * @param version the version it became, or the one that stayed
 * @param model the directory of that version
 * @param scores the candidate's on the held-out preferences
 * @param lastScores those of the version it was compared with; empty for the first
 * @param reason one sentence
 */
public record Decision(
    boolean published,
    String candidate,
    String to,
    long version,
    String model,
    String fingerprint,
    HeldOutScores scores,
    Optional<HeldOutScores> lastScores,
    String reason) {
  private static final String FORMAT = "plumbline.decision";

  public ObjectNode json() {
    ObjectNode json =
        Json.MAPPER
            .createObjectNode()
            .put("format", FORMAT)
            .put("published", published)
            .put("reason", reason)
            .put("candidate", candidate)
            .put("to", to)
            .put("version", version)
            .put("model", model)
            .put("fingerprint", fingerprint);
    json.set("preferences", scores.json());
    lastScores.ifPresent(scores -> json.set("last_preferences", scores.json()));
    return json;
  }

  static Decision read(String path, String text) {
    try {
      JsonNode json = Json.MAPPER.readTree(text);
      if (json.path("format").asText().equals(FORMAT)) {
        return new Decision(
            json.path("published").asBoolean(),
            json.path("candidate").asText(),
            json.path("to").asText(),
            json.path("version").asLong(),
            json.path("model").asText(),
            json.path("fingerprint").asText(),
            HeldOutScores.read(json.path("preferences")),
            json.has("last_preferences")
                ? Optional.of(HeldOutScores.read(json.path("last_preferences")))
                : Optional.empty(),
            json.path("reason").asText());
      }
    } catch (JsonProcessingException e) {
      throw unknown(path, e);
    }
    throw unknown(path, null);
  }

  private static PlumblineException unknown(String path, Exception cause) {
    return new PlumblineException(
        ErrorCode.BAD_DATA,
        path + " is not a decision that Plumbline wrote: name another file by --decision.",
        cause);
  }
}
