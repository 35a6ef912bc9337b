package io.plumbline.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Fingerprint;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The options that decide a result, with their values in one spelling: what a later call is
 * compared with before it may take the result, or what there is of it, for its own.
 *
 * <p>An option with its neutral value is left out. So a version with one option more compares a
 * result that was made before the option existed as what it is: made with the neutral value. An
 * option is known by its name on the command line and a value by its text there; no name of a class
 * or a field, and no {@code toString}, is part of it.
 */
public final class DecidingOptions {
  /**
   * What is known of a command's options.
   *
   * @param decideNothing options that may differ, since they change no number of the result
   * @param neutral values with which an option does nothing, as results have it that were made
   *     before there was the option
   * @param follows options that have another value, or none, because another option has one; where
   *     that one differs they are not named beside it
   */
  public record Rules(
      Set<String> decideNothing, Map<String, String> neutral, Map<String, Set<String>> follows) {
    public Rules {
      decideNothing = Set.copyOf(decideNothing);
      neutral = Map.copyOf(neutral);
      follows = Map.copyOf(follows);
    }
  }

  /**
   * An option with two values.
   *
   * @param option its name without dashes
   * @param before its value in the earlier result
   * @param now its value in this call
   */
  public record Difference(String option, String before, String now) {
    /** As a sentence names it. */
    public String words() {
      return "--%s (%s there, %s now)".formatted(option, before, now);
    }
  }

  private static final String NOT_GIVEN = "not given";
  private static final int MOST_ZEROS = 9;

  private final Rules rules;
  private final SortedMap<String, List<String>> values;

  private DecidingOptions(Rules rules, SortedMap<String, List<String>> values) {
    this.rules = rules;
    this.values = values;
  }

  /** Those of a configuration: options by name, values as in JSON. */
  public static DecidingOptions of(ObjectNode configuration, Rules rules) {
    SortedMap<String, List<String>> values = new TreeMap<>();
    configuration
        .properties()
        .forEach(
            option -> {
              String name = option.getKey();
              List<String> texts = texts(option.getValue());
              boolean neutral =
                  texts.isEmpty()
                      || (rules.neutral().containsKey(name)
                          && texts.equals(List.of(rules.neutral().get(name))));
              if (!rules.decideNothing().contains(name) && !neutral) {
                values.put(name, texts);
              }
            });
    return new DecidingOptions(rules, values);
  }

  /** As {@link #of} reads them again. */
  public ObjectNode json() {
    ObjectNode json = PythonJson.object();
    values.forEach(
        (name, texts) -> {
          if (texts.size() == 1) {
            json.put(name, texts.get(0));
          } else {
            texts.forEach(json.putArray(name)::add);
          }
        });
    return json;
  }

  /** Adds each option that decides and is not neutral, with its texts. */
  public void addTo(Fingerprint fingerprint) {
    values.forEach(
        (option, texts) -> {
          fingerprint.text("option", option);
          texts.forEach(text -> fingerprint.text("value", text));
        });
  }

  /** The texts of each option that decides and is not neutral, by name. */
  public SortedMap<String, List<String>> values() {
    return Collections.unmodifiableSortedMap(values);
  }

  /** Names of the options that decide and have another value than their neutral one. */
  public Set<String> names() {
    return values.keySet();
  }

  /**
   * What differs in a later call, by name; without what differs only because something else does.
   */
  public List<Difference> differences(DecidingOptions now) {
    NavigableSet<String> differing = new TreeSet<>(values.keySet());
    differing.addAll(now.values.keySet());
    differing.removeIf(
        name -> {
          List<String> before = values.get(name);
          return before != null && before.equals(now.values.get(name));
        });
    List<Difference> differences = new ArrayList<>();
    for (String name : differing) {
      Set<String> leaders = now.rules.follows().getOrDefault(name, Set.of());
      if (leaders.stream().noneMatch(differing::contains)) {
        differences.add(new Difference(name, shown(name), now.shown(name)));
      }
    }
    return differences;
  }

  private String shown(String name) {
    List<String> texts = values.get(name);
    if (texts != null) {
      return String.join(" and ", texts);
    }
    return rules.neutral().getOrDefault(name, NOT_GIVEN);
  }

  private static List<String> texts(JsonNode value) {
    List<String> texts = new ArrayList<>();
    if (value instanceof ArrayNode list) {
      list.forEach(element -> texts.add(text(element)));
    } else if (!value.isNull() && !value.isMissingNode()) {
      texts.add(text(value));
    }
    return texts;
  }

  /** 3, 3.0 and 3e0 are one number: a file that was read has other types than a request. */
  private static String text(JsonNode value) {
    if (!value.isNumber() || (value.isFloatingPointNumber() && !isFinite(value))) {
      return value.asText();
    }
    BigDecimal number = value.decimalValue().stripTrailingZeros();
    boolean plain = number.scale() >= -MOST_ZEROS && number.scale() - number.precision() <= 6;
    return plain ? number.toPlainString() : number.toString();
  }

  private static boolean isFinite(JsonNode value) {
    return Double.isFinite(value.doubleValue());
  }
}
