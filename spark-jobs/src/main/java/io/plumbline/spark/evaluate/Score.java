package io.plumbline.spark.evaluate;

import com.fasterxml.jackson.databind.node.ObjectNode;
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
      ObjectNode json = JsonLines.MAPPER.createObjectNode();
      json.put("completion", completion);
      json.set("tokens", JsonLines.array(tokens));
      json.set("logps", JsonLines.array(logps));
      json.put("logp", logp());
      return JsonLines.line(json);
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
      ObjectNode json = JsonLines.MAPPER.createObjectNode();
      json.put("chosen_logp", chosenLogp());
      json.put("rejected_logp", rejectedLogp());
      json.put("chosen_tokens", chosenLogps.length);
      json.put("rejected_tokens", rejectedLogps.length);
      json.set("chosen_logps", JsonLines.array(chosenLogps));
      json.set("rejected_logps", JsonLines.array(rejectedLogps));
      return JsonLines.line(json);
    }
  }

  private static double sum(float[] logps) {
    double sum = 0;
    for (float logp : logps) {
      sum += logp;
    }
    return sum;
  }
}
