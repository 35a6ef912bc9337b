package io.plumbline.spark.evaluate;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;

/** The log-probabilities that a model gives to one input row, in nats at temperature 1. */
public sealed interface Score extends Serializable {
  /** One JSON object on one line. */
  String toJson();

  /**
   * A text, or the completion of a prompt.
   *
   * @param completion its text; for messages the ids decoded without special tokens
   * @param tokens ids; of a whole text with the special tokens that the tokenizer adds, of a
   *     completion with the EOS token that ends it
   * @param logps of each token; of a whole text without the first token, which nothing predicts and
   *     which therefore has none
   */
  record CompletionScore(String completion, int[] tokens, float[] logps) implements Score {
    /** Sum over the tokens. */
    public double logp() {
      return sum(logps);
    }

    @Override
    public String toJson() {
      ObjectNode json = Json.MAPPER.createObjectNode();
      json.put("completion", completion);
      json.set("tokens", Json.array(tokens));
      json.set("logps", Json.array(logps));
      json.put("logp", logp());
      return Json.line(json);
    }
  }

  /**
   * A preference pair.
   *
   * @param chosenLogps of each token of the chosen completion that counts
   * @param rejectedLogps the same of the rejected one
   */
  record PairScore(float[] chosenLogps, float[] rejectedLogps) implements Score {
    /** Sum over the tokens of the chosen completion. */
    public double chosenLogp() {
      return sum(chosenLogps);
    }

    /** Sum over the tokens of the rejected completion. */
    public double rejectedLogp() {
      return sum(rejectedLogps);
    }

    @Override
    public String toJson() {
      ObjectNode json = Json.MAPPER.createObjectNode();
      json.put("chosen_logp", chosenLogp());
      json.put("rejected_logp", rejectedLogp());
      json.put("chosen_tokens", chosenLogps.length);
      json.put("rejected_tokens", rejectedLogps.length);
      json.set("chosen_logps", Json.array(chosenLogps));
      json.set("rejected_logps", Json.array(rejectedLogps));
      return Json.line(json);
    }
  }

  private static double sum(float[] logps) {
    double sum = 0;
    for (float logp : logps) {
      sum += logp;
    }
    return sum;
  }

  /** How scores and samples are written. */
  final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    static ArrayNode array(int[] values) {
      ArrayNode array = MAPPER.createArrayNode();
      for (int value : values) {
        array.add(value);
      }
      return array;
    }

    static ArrayNode array(float[] values) {
      ArrayNode array = MAPPER.createArrayNode();
      for (float value : values) {
        array.add(value);
      }
      return array;
    }

    static String line(ObjectNode json) {
      try {
        return MAPPER.writeValueAsString(json);
      } catch (JsonProcessingException e) {
        throw new PlumblineException(
            ErrorCode.INTERNAL, "A score could not be written as JSON.", e);
      }
    }
  }
}
