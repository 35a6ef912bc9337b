package io.plumbline.reward;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * {@code repetition}: a penalty for n-grams that come again. {@code (1 − different n-grams / all
 * n-grams) · max_penalty}, 0 for a completion that is shorter than an n-gram; Yeo et al. 2025,
 * "Demystifying Long Chain-of-Thought Reasoning", appendix C.2, over token ids as in TRL, or over
 * words.
 */
public final class RepetitionReward implements RewardFunctionFactory {
  /** Of what the n-grams are made. */
  private enum Unit {
    TOKENS,
    WORDS
  }

  @Override
  public String kind() {
    return "repetition";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    int size = options.count("ngram_size", 3, 1);
    double maxPenalty = options.number("max_penalty", -1);
    Unit unit = options.choice("unit", Unit.TOKENS);
    options.end();
    if (maxPenalty > 0) {
      throw options.bad("max_penalty must not be over 0");
    }
    OneByOne function =
        completion -> Reward.of(repeated(units(completion, unit), size) * maxPenalty + 0.0);
    return function;
  }

  private static List<?> units(Completion completion, Unit unit) {
    return unit == Unit.TOKENS
        ? Arrays.stream(completion.tokens()).boxed().toList()
        : Arrays.stream(completion.text().strip().toLowerCase(Locale.ROOT).split("\\s+")).toList();
  }

  /** The share of n-grams that came before. */
  private static double repeated(List<?> units, int size) {
    int all = units.size() - size + 1;
    if (all <= 0) {
      return 0;
    }
    Set<List<?>> different = new HashSet<>();
    for (int i = 0; i < all; i++) {
      different.add(units.subList(i, i + size));
    }
    return 1 - different.size() / (double) all;
  }
}
