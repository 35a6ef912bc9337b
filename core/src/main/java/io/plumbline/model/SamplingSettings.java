package io.plumbline.model;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.List;
import java.util.Set;

/**
 * How completions are drawn.
 *
 * @param temperature divides the logits; 0 always takes the most probable token
 * @param filter which tokens may be drawn
 * @param end where a completion ends
 * @param completions completions drawn for each prompt
 * @param seed with the prompt's key, the completion's and the token's place it fixes every draw
 * @param slots sequences that run at once; finished ones make room for those that wait
 */
public record SamplingSettings(
    double temperature,
    TokenFilter filter,
    CompletionEnd end,
    int completions,
    long seed,
    int slots) {
  /** Sequences that run at once unless {@link #withSlots} says otherwise. */
  public static final int SLOTS = 64;

  /** What stands in a text for bytes that are no character, such as the first half of one. */
  private static final char NO_CHARACTER = '\uFFFD';

  /**
   * Where a completion ends.
   *
   * @param maxNewTokens longest completion, in tokens
   * @param eosIds tokens that end a completion; empty where only the length does
   * @param stopStrings a completion ends with the token by which its text first holds one of them
   */
  public record CompletionEnd(int maxNewTokens, Set<Integer> eosIds, List<String> stopStrings) {
    public CompletionEnd {
      eosIds = Set.copyOf(eosIds);
      stopStrings = List.copyOf(stopStrings);
      check(maxNewTokens >= 1, "max-new-tokens must be at least 1, not " + maxNewTokens);
      check(
          stopStrings.stream().noneMatch(String::isEmpty),
          "a stop string is empty and would end every completion; leave it out");
      check(
          stopStrings.stream().noneMatch(string -> string.indexOf(NO_CHARACTER) >= 0),
          "a stop string has the replacement character U+FFFD, which stands for bytes that are no"
              + " character yet; give the text that it came from");
    }
  }

  public SamplingSettings {
    check(
        temperature >= 0 && temperature < Double.POSITIVE_INFINITY,
        "temperature must be 0 or a positive number, not " + temperature);
    check(completions >= 1, "a prompt needs at least 1 completion, not " + completions);
    check(slots >= 1, "at least 1 sequence must run at once, not " + slots);
  }

  static void check(boolean holds, String message) {
    if (!holds) {
      throw new PlumblineException(ErrorCode.BAD_USAGE, message);
    }
  }

  /** The most probable token each time, one completion a prompt. */
  public static SamplingSettings greedy(int maxNewTokens, Set<Integer> eosIds) {
    return sampling(maxNewTokens, 0, 1, 0, eosIds);
  }

  /** Draws from the whole vocabulary, as policy-gradient training needs. */
  public static SamplingSettings sampling(
      int maxNewTokens, double temperature, int completions, long seed, Set<Integer> eosIds) {
    return new SamplingSettings(
        temperature,
        TokenFilter.NONE,
        new CompletionEnd(maxNewTokens, eosIds, List.of()),
        completions,
        seed,
        SLOTS);
  }

  /** Others for each prompt. */
  public SamplingSettings withCompletions(int number, long otherSeed) {
    return new SamplingSettings(temperature, filter, end, number, otherSeed, slots);
  }

  public SamplingSettings withSlots(int number) {
    return new SamplingSettings(temperature, filter, end, completions, seed, number);
  }
}
