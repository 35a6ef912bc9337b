package io.plumbline.spark.inference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.model.Generation.Finish;
import java.io.Serializable;
import java.util.Locale;

/**
 * What a model wrote after a prompt.
 *
 * @param prompt as it was given: a text, or a list of messages
 * @param completion the new text, without special tokens
 * @param tokens ids of the new tokens, with the EOS that ended them if one did
 * @param logps of each token the log-probability over the full vocabulary at temperature 1, in
 *     nats, whatever it was drawn with: what {@code score} gives for the same completion
 * @param finish why it ends
 */
public record Sample(Object prompt, String completion, int[] tokens, float[] logps, Finish finish)
    implements Serializable {
  /** Sum over the tokens. */
  public double logp() {
    double sum = 0;
    for (float logp : logps) {
      sum += logp;
    }
    return sum;
  }

  /** {@code eos}, {@code stop} or {@code length}. */
  String finishWord() {
    return finish.name().toLowerCase(Locale.ROOT);
  }

  /** One JSON object on one line. */
  public String toJson() {
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.set("prompt", Json.MAPPER.valueToTree(prompt));
    json.put("completion", completion);
    json.set("tokens", JsonLines.array(tokens));
    json.set("logps", JsonLines.array(logps));
    json.put("logp", logp());
    json.put("finish", finishWord());
    return JsonLines.line(json);
  }
}
