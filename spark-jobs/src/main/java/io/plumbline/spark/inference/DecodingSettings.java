package io.plumbline.spark.inference;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Json;
import io.plumbline.model.SamplingSettings;
import io.plumbline.model.TokenFilter;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import java.io.Serializable;
import java.util.List;
import java.util.Set;

/**
 * How the commands {@code generate}, {@code mine} and {@code evaluate} decode; standard values are
 * those of {@code generate}.
 *
 * @param maxNewTokens longest completion, in tokens
 * @param temperature divides the logits; 0 always takes the most probable token
 * @param filter which tokens may be drawn
 * @param stop texts that end a completion
 * @param numGenerations completions a prompt
 * @param seed with the prompt's place in the input it fixes every draw
 */
@Heading(DecodingSettings.HEADING)
public record DecodingSettings(
    @Option(help = "Longest completion, in tokens.", standard = "128", min = 1) int maxNewTokens,
    @Option(
            help = "Divides the logits; 0 always takes the most probable token.",
            standard = "0",
            min = 0)
        double temperature,
    @Heading(DecodingSettings.HEADING) TokenFilter filter,
    @Option(
            label = "TEXT",
            help = "Ends a completion with the token by which it holds this text; may be repeated.")
        List<String> stop,
    @Option(help = "Completions of each prompt.", standard = "1", min = 1) int numGenerations,
    @Option(help = "With a row's place it fixes every draw.", standard = "42", min = 0) long seed)
    implements Serializable {
  static final String HEADING = "How to decode";

  /** Fails with BAD_USAGE where a value makes no sense. */
  public DecodingSettings {
    stop = List.copyOf(stop);
    sampling(maxNewTokens, temperature, filter, stop, numGenerations, seed, Set.of());
  }

  /** The most probable token each time. */
  public static DecodingSettings greedy(int maxNewTokens) {
    return new DecodingSettings(maxNewTokens, 0, TokenFilter.NONE, List.of(), 1, 0);
  }

  /** These settings with another number of completions a prompt. */
  public DecodingSettings withNumGenerations(int number) {
    return new DecodingSettings(maxNewTokens, temperature, filter, stop, number, seed);
  }

  /** As the records of commands have them: generate's option names. */
  public ObjectNode toJson() {
    ObjectNode json = Json.MAPPER.createObjectNode();
    json.put("max_new_tokens", maxNewTokens);
    json.put("temperature", temperature);
    json.put("top_k", filter.topK());
    json.put("top_p", filter.topP());
    json.put("min_p", filter.minP());
    json.put("repetition_penalty", filter.repetitionPenalty());
    stop.forEach(json.putArray("stop")::add);
    json.put("num_generations", numGenerations);
    json.put("seed", seed);
    return json;
  }

  SamplingSettings sampling(Set<Integer> eosIds) {
    return sampling(maxNewTokens, temperature, filter, stop, numGenerations, seed, eosIds);
  }

  private static SamplingSettings sampling(
      int maxNewTokens,
      double temperature,
      TokenFilter filter,
      List<String> stop,
      int numGenerations,
      long seed,
      Set<Integer> eosIds) {
    return new SamplingSettings(
        temperature,
        filter,
        new SamplingSettings.CompletionEnd(maxNewTokens, eosIds, stop),
        numGenerations,
        seed,
        SamplingSettings.SLOTS);
  }
}
