package io.plumbline.reward;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.storage.Storage;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Stream;

/**
 * {@code length}: rewards by the number of tokens of a completion, EOS included. Three forms, by
 * the option that is given: {@code max_length}, {@code target}, {@code per_token}.
 */
public final class LengthReward implements RewardFunctionFactory {
  @Override
  public String kind() {
    return "length";
  }

  @Override
  public RewardFunction create(ObjectNode given, Storage storage) {
    Options options = new Options(kind(), given);
    int maxLength = options.count("max_length", 0, 1);
    int cache = options.count("cache", 0, 0);
    Optional<JsonNode> target = options.node("target");
    OptionalDouble perToken = options.number("per_token");
    Column.Missing missing = options.choice("missing", Column.Missing.FAIL);
    options.end();
    if (Stream.of(maxLength > 0, target.isPresent(), perToken.isPresent())
            .filter(set -> set)
            .count()
        != 1) {
      throw options.bad("give one of max_length, target and per_token");
    }
    if (cache > 0 && cache > maxLength) {
      throw options.bad("cache goes with max_length and must not be over it");
    }
    if (maxLength > 0) {
      return byLength(length -> softOverlong(length, maxLength, cache));
    }
    if (perToken.isPresent()) {
      return byLength(length -> perToken.getAsDouble() * length);
    }
    return target(options, target.get(), missing);
  }

  private static OneByOne byLength(DoubleUnaryOperator reward) {
    return completion -> Reward.of(reward.applyAsDouble(completion.tokens().length));
  }

  /**
   * DAPO (Yu et al. 2025), eq. 13: 0 up to {@code maxLength − cache} tokens, from there down to −1
   * at {@code maxLength}, and −1 beyond.
   */
  static double softOverlong(double length, int maxLength, int cache) {
    int free = maxLength - cache;
    if (length <= free) {
      return 0;
    }
    return length <= maxLength ? (free - length) / cache : -1;
  }

  private static OneByOne target(Options options, JsonNode target, Column.Missing missing) {
    if (target.isTextual()) {
      Column column = new Column(target.asText(), missing);
      return completion ->
          column
              .value(completion)
              .map(value -> distance(completion, tokens(value, column)))
              .orElse(Reward.notApplicable());
    }
    if (!target.isNumber() || !(target.asDouble() >= 1)) {
      throw options.bad("target must be a number of tokens from 1 on, or the name of a column");
    }
    double tokens = target.asDouble();
    return completion -> distance(completion, tokens);
  }

  private static double tokens(Object value, Column column) {
    if (value instanceof Number number && number.doubleValue() >= 1) {
      return number.doubleValue();
    }
    throw new ScoringException(
        "the column " + column.name() + " holds what is no number of tokens from 1 on");
  }

  /** −|length − target| / target, −1 at least. */
  private static Reward distance(Completion completion, double target) {
    return Reward.of(-Math.min(1, Math.abs(completion.tokens().length - target) / target));
  }
}
