package io.plumbline.spark.inference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.model.SamplingSettings;
import java.io.Serializable;
import java.util.List;
import java.util.Set;

/**
 * How the command {@code generate} decodes; the words are those of {@link SamplingSettings}, which
 * checks them.
 *
 * @param maxNewTokens longest completion, in tokens
 * @param temperature divides the logits; 0 always takes the most probable token
 * @param topK draws from this many most probable tokens only; 0 from all
 * @param topP draws from the smallest set of most probable tokens that holds this share; 1 from all
 * @param minP leaves out tokens less probable than this share of the most probable one; 0 none
 * @param repetitionPenalty makes tokens less probable that are there already; 1 does not
 * @param stopStrings end a completion
 * @param numGenerations completions a prompt
 * @param seed with the prompt's place in the input it fixes every draw
 */
public record DecodingSettings(
    int maxNewTokens,
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    List<String> stopStrings,
    int numGenerations,
    long seed)
    implements Serializable {

  /** Fails with BAD_USAGE where a value makes no sense. */
  public DecodingSettings {
    stopStrings = List.copyOf(stopStrings);
    sampling(
        maxNewTokens,
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        stopStrings,
        numGenerations,
        seed,
        Set.of());
  }

  /** One completion a prompt, without penalty and stop strings. */
  public DecodingSettings(int maxNewTokens, double temperature, int topK, double topP, long seed) {
    this(maxNewTokens, temperature, topK, topP, 0, 1, List.of(), 1, seed);
  }

  /** The most probable token each time. */
  public static DecodingSettings greedy(int maxNewTokens) {
    return new DecodingSettings(maxNewTokens, 0, 0, 1, 0);
  }

  /** These settings with another number of completions a prompt. */
  public DecodingSettings withNumGenerations(int number) {
    return new DecodingSettings(
        maxNewTokens, temperature, topK, topP, minP, repetitionPenalty, stopStrings, number, seed);
  }

  /** As the records of commands have them: generate's option names. */
  public ObjectNode toJson() {
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.put("max_new_tokens", maxNewTokens);
    json.put("temperature", temperature);
    json.put("top_k", topK);
    json.put("top_p", topP);
    json.put("min_p", minP);
    json.put("repetition_penalty", repetitionPenalty);
    stopStrings.forEach(json.putArray("stop")::add);
    json.put("num_generations", numGenerations);
    json.put("seed", seed);
    return json;
  }

  SamplingSettings sampling(Set<Integer> eosIds) {
    return sampling(
        maxNewTokens,
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        stopStrings,
        numGenerations,
        seed,
        eosIds);
  }

  private static SamplingSettings sampling(
      int maxNewTokens,
      double temperature,
      int topK,
      double topP,
      double minP,
      double repetitionPenalty,
      List<String> stopStrings,
      int numGenerations,
      long seed,
      Set<Integer> eosIds) {
    return new SamplingSettings(
        new SamplingSettings.TokenDraw(temperature, topK, topP, minP, repetitionPenalty),
        new SamplingSettings.CompletionEnd(maxNewTokens, eosIds, stopStrings),
        numGenerations,
        seed,
        SamplingSettings.SLOTS);
  }
}
