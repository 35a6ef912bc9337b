package io.plumbline.reward;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.NearestName;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeSet;

/**
 * The options of one reward, read by name. What is asked for is what the kind has: {@link #end}
 * refuses the rest.
 */
public final class Options {
  /** What every kind has; {@link RewardSpec} takes these out. */
  static final Set<String> COMMON = Set.of("weight", "name", "timeout");

  /** Strict: what a user mistyped must not pass as something else. */
  static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final String kind;
  private final ObjectNode given;
  private final Set<String> known = new TreeSet<>();

  public Options(String kind, ObjectNode given) {
    this.kind = kind;
    this.given = given;
  }

  /** A JSON object; {@code of} names in a sentence what it belongs to. */
  static ObjectNode parse(String json, String kind) {
    try {
      if (JSON.readTree(json) instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The options of the reward "
              + kind
              + " are no JSON object: "
              + e.getOriginalMessage()
              + "; write them as "
              + kind
              + "{\"option\":value}, in single quotes for the shell.",
          e);
    }
    throw new PlumblineException(
        ErrorCode.BAD_USAGE, "The options of the reward " + kind + " are no JSON object.");
  }

  Optional<JsonNode> node(String name) {
    known.add(name);
    return Optional.ofNullable(given.get(name)).filter(node -> !node.isNull());
  }

  public Optional<String> text(String name) {
    return node(name)
        .map(
            node -> {
              require(node.isTextual(), name, "text", node);
              return node.asText();
            });
  }

  public String text(String name, String otherwise) {
    return text(name).orElse(otherwise);
  }

  /**
   * @param example of a value, for the sentence that says that the option is missing
   */
  String requiredText(String name, String example) {
    return text(name)
        .filter(text -> !text.isEmpty())
        .orElseThrow(
            () ->
                new PlumblineException(
                    ErrorCode.BAD_USAGE,
                    "The reward "
                        + kind
                        + " needs the option "
                        + name
                        + ", as in "
                        + kind
                        + "{\""
                        + name
                        + "\":"
                        + JSON.getNodeFactory().textNode(example)
                        + "}."));
  }

  /** Finite. */
  public OptionalDouble number(String name) {
    Optional<JsonNode> node = node(name);
    if (node.isEmpty()) {
      return OptionalDouble.empty();
    }
    JsonNode number = node.get();
    require(
        number.isNumber() && Double.isFinite(number.asDouble()), name, "a finite number", number);
    return OptionalDouble.of(number.asDouble());
  }

  public double number(String name, double otherwise) {
    return number(name).orElse(otherwise);
  }

  public double numberFromZero(String name, double otherwise) {
    double value = number(name, otherwise);
    require(value >= 0, name, "a number from 0 on", given.get(name));
    return value;
  }

  double numberOverZero(String name, double otherwise) {
    double value = number(name, otherwise);
    require(value > 0, name, "a number over 0", given.get(name));
    return value;
  }

  int count(String name, int otherwise, int least) {
    Optional<JsonNode> node = node(name);
    if (node.isEmpty()) {
      return otherwise;
    }
    JsonNode number = node.get();
    require(
        number.isIntegralNumber() && number.canConvertToInt() && number.asInt() >= least,
        name,
        "a whole number from " + least + " on",
        number);
    return number.asInt();
  }

  /** A constant of an enumeration by its name in small letters. */
  public <E extends Enum<E>> E choice(String name, E otherwise) {
    Optional<String> text = text(name);
    if (text.isEmpty()) {
      return otherwise;
    }
    E[] constants = otherwise.getDeclaringClass().getEnumConstants();
    List<String> words = Arrays.stream(constants).map(Options::word).toList();
    int at = words.indexOf(text.get());
    if (at < 0) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The option "
              + name
              + " of the reward "
              + kind
              + " is "
              + text.get()
              + meant(words, text.get())
              + ": it must be one of "
              + String.join(", ", words)
              + ".");
    }
    return constants[at];
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private void require(boolean fits, String name, String what, JsonNode value) {
    if (!fits) {
      throw bad(name + " must be " + what + ", and " + value + " was given");
    }
  }

  /** A mistake in the options: {@code sentence} continues after "The reward KIND: ". */
  PlumblineException bad(String sentence) {
    return new PlumblineException(
        ErrorCode.BAD_USAGE, "The reward " + kind + ": " + sentence + ".");
  }

  /** Fails where an option was given that nobody asked for. */
  public void end() {
    given
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (!known.contains(name)) {
                throw unknown(name);
              }
            });
  }

  private PlumblineException unknown(String name) {
    Set<String> all = new TreeSet<>(known);
    all.addAll(COMMON);
    return new PlumblineException(
        ErrorCode.BAD_USAGE,
        "The reward "
            + kind
            + " has no option "
            + name
            + meant(all, name)
            + ": it has "
            + String.join(", ", all)
            + ".");
  }

  static String meant(java.util.Collection<String> names, String name) {
    return NearestName.among(names, name).map(n -> " (did you mean " + n + "?)").orElse("");
  }
}
