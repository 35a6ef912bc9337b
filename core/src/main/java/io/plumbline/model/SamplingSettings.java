package io.plumbline.model;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Set;

/**
 * How completions are drawn.
 *
 * @param maxNewTokens longest completion, in tokens
 * @param temperature divides the logits; 0 always takes the most probable token
 * @param topK draws from this many most probable tokens only; 0 from all
 * @param topP draws from the smallest set of most probable tokens that holds this share; 1 from all
 * @param minP leaves out tokens less probable than this share of the most probable one; 0 none
 * @param completions completions drawn for each prompt
 * @param seed with the prompt's key, the completion's and the token's place it fixes every draw
 * @param eosIds tokens that end a completion; empty where only the length does
 */
public record SamplingSettings(
    int maxNewTokens,
    double temperature,
    int topK,
    double topP,
    double minP,
    int completions,
    long seed,
    Set<Integer> eosIds) {

  public SamplingSettings {
    eosIds = Set.copyOf(eosIds);
    check(maxNewTokens >= 1, "max-new-tokens must be at least 1, not " + maxNewTokens);
    check(
        temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
        "temperature must be 0 or a positive number, not " + temperature);
    check(topK >= 0, "top-k must be 0 (all tokens) or positive, not " + topK);
    check(topP > 0 && topP <= 1, "top-p must lie above 0 and not above 1, not " + topP);
    check(minP >= 0 && minP <= 1, "min-p must lie from 0 to 1, not " + minP);
    check(completions >= 1, "a prompt needs at least 1 completion, not " + completions);
  }

  private static void check(boolean holds, String message) {
    if (!holds) {
      throw new PlumblineException(ErrorCode.BAD_USAGE, message);
    }
  }

  /** The most probable token each time, one completion a prompt. */
  public static SamplingSettings greedy(int maxNewTokens, Set<Integer> eosIds) {
    return new SamplingSettings(maxNewTokens, 0, 0, 1, 0, 1, 0, eosIds);
  }

  /** Draws from the whole vocabulary, as policy-gradient training needs. */
  public static SamplingSettings sampling(
      int maxNewTokens, double temperature, int completions, long seed, Set<Integer> eosIds) {
    return new SamplingSettings(maxNewTokens, temperature, 0, 1, 0, completions, seed, eosIds);
  }
}
