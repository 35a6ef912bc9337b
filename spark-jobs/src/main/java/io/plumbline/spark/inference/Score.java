package io.plumbline.spark.inference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import java.io.Serializable;
import java.util.Locale;

/**
 * What a model says about one input row: a language model gives log-probabilities, in nats at
 * temperature 1, and a reward model gives scores.
 */
public sealed interface Score extends Serializable {
  /** One JSON object on one line. */
  String toJson();

  /** One line for people. */
  String toText();

  /**
   * Log-probabilities of a text, or of the completion of a prompt.
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
      json.set("tokens", JsonLines.array(tokens));
      json.set("logps", JsonLines.array(logps));
      json.put("logp", logp());
      return JsonLines.line(json);
    }

    @Override
    public String toText() {
      return text(logp(), logps.length, completion);
    }
  }

  /**
   * Log-probabilities of a preference pair.
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
      json.set("chosen_logps", JsonLines.array(chosenLogps));
      json.set("rejected_logps", JsonLines.array(rejectedLogps));
      return JsonLines.line(json);
    }

    @Override
    public String toText() {
      return pairText(chosenLogp(), chosenLogps.length, rejectedLogp(), rejectedLogps.length);
    }
  }

  /**
   * The score of a text, or of a prompt with a completion: the reward model's value at the last
   * token.
   *
   * @param completion its text; for messages the ids decoded without special tokens
   * @param tokens ids; of a whole text with the special tokens that the tokenizer adds, of a
   *     completion with the EOS token that ends it
   */
  record CompletionReward(String completion, int[] tokens, float score) implements Score {
    @Override
    public String toJson() {
      ObjectNode json = Json.MAPPER.createObjectNode();
      json.put("completion", completion);
      json.set("tokens", JsonLines.array(tokens));
      json.put("score", score);
      return JsonLines.line(json);
    }

    @Override
    public String toText() {
      return text(score, tokens.length, completion);
    }
  }

  /** The scores of a preference pair, each of the prompt with that completion. */
  record PairReward(float chosenScore, float rejectedScore, int chosenTokens, int rejectedTokens)
      implements Score {
    @Override
    public String toJson() {
      ObjectNode json = Json.MAPPER.createObjectNode();
      json.put("chosen_score", chosenScore);
      json.put("rejected_score", rejectedScore);
      json.put("chosen_tokens", chosenTokens);
      json.put("rejected_tokens", rejectedTokens);
      return JsonLines.line(json);
    }

    @Override
    public String toText() {
      return pairText(chosenScore, chosenTokens, rejectedScore, rejectedTokens);
    }
  }

  private static String text(double value, int tokens, String completion) {
    return String.format(
        Locale.ROOT, "%10.4f  %4d tokens  %s", value, tokens, completion.replace("\n", "\\n"));
  }

  private static String pairText(
      double chosen, int chosenTokens, double rejected, int rejectedTokens) {
    return String.format(
        Locale.ROOT,
        "chosen %10.4f (%d tokens)  rejected %10.4f (%d tokens)",
        chosen,
        chosenTokens,
        rejected,
        rejectedTokens);
  }

  private static double sum(float[] logps) {
    double sum = 0;
    for (float logp : logps) {
      sum += logp;
    }
    return sum;
  }
}
