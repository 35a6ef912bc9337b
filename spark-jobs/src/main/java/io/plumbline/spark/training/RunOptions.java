package io.plumbline.spark.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.advantage.CostSpec;
import io.plumbline.checkpoint.DecidingOptions;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.RewardSpec;
import io.plumbline.settings.Option;
import io.plumbline.spark.source.WeightedSource;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.Algorithms;
import io.plumbline.spark.training.algorithm.ScoringModels;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * Which options of training commands decide updates: all, but those whose declaration says why not.
 *
 * <p>A new option decides updates without saying so. It has a neutral value if run.json would have
 * it with a value that means what runs did before there was the option, and names those that it
 * follows if it is there only beside another option, or takes its standard value from one.
 */
public final class RunOptions {
  /** With which sources count by their rows. */
  static final String UNWEIGHTED = "without weights";

  /** What is not declared with a request's settings, since it is read in other ways. */
  private static final Map<String, String> OTHERS =
      Map.of(
          RunTemplates.TEMPLATE,
          "may lie elsewhere: its content is compared",
          "master",
          "where ranks run");

  /** Of every training command, by name: what the same name says is the same in all of them. */
  private static final SortedMap<String, Option> DECLARED = declared();

  private static final SortedMap<String, String> DECIDE_NO_UPDATE = decidingNothing();

  static final DecidingOptions.Rules RULES =
      new DecidingOptions.Rules(DECIDE_NO_UPDATE.keySet(), neutral(), follows());

  private static final ObjectMapper SORTED =
      new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  private RunOptions() {}

  private static SortedMap<String, Option> declared() {
    SortedMap<String, Option> declared = new TreeMap<>();
    for (Algorithm algorithm : Algorithms.ALL) {
      TrainingOptions.of(algorithm)
          .forEach(option -> declared.put(option.name(), option.declaration()));
    }
    return declared;
  }

  private static SortedMap<String, String> decidingNothing() {
    SortedMap<String, String> reasons = new TreeMap<>(OTHERS);
    DECLARED.forEach(
        (name, option) -> {
          if (!option.decidesNothing().isEmpty()) {
            reasons.put(name, option.decidesNothing());
          }
        });
    return Collections.unmodifiableSortedMap(reasons);
  }

  private static Map<String, String> neutral() {
    Map<String, String> neutral = new TreeMap<>();
    DECLARED.forEach(
        (name, option) -> {
          if (!option.neutral().isEmpty()) {
            neutral.put(name, option.neutral());
          }
        });
    return neutral;
  }

  private static Map<String, Set<String>> follows() {
    Map<String, Set<String>> follows = new TreeMap<>();
    DECLARED.forEach(
        (name, option) -> {
          if (option.follows().length > 0) {
            follows.put(name, Set.of(option.follows()));
          }
        });
    return follows;
  }

  /** Options that may change when a run is resumed, each with the reason. */
  public static Map<String, String> decideNoUpdate() {
    return DECIDE_NO_UPDATE;
  }

  /** What decides updates of what run.json has as a run's configuration. */
  public static DecidingOptions deciding(ObjectNode configuration) {
    ObjectNode canonical = configuration.deepCopy();
    if (canonical.has("max-steps")) {
      canonical.remove("epochs");
    }
    if (canonical.has("loss-weights")) {
      canonical.put(
          "loss-type",
          weighted(
              canonical.path("loss-type").asText().split(",", -1),
              canonical.path("loss-weights").asText().split(",", -1)));
      canonical.remove("loss-weights");
    }
    canonical.put("data", weights(texts(canonical.path("data"))));
    if (canonical.has("ptx-data")) {
      canonical.put("ptx-data", "given");
    }
    change(canonical, "reward", text -> reward(text));
    change(
        canonical,
        "cost",
        text -> {
          CostSpec cost = CostSpec.parse(text);
          return reward(cost.rewardSpec()) + "<=" + cost.limit();
        });
    return DecidingOptions.of(canonical, RULES);
  }

  /** Values as --loss-type takes them with their weights. */
  private static String weighted(String[] names, String[] weights) {
    if (names.length != weights.length) {
      return String.join(",", names) + " weighted " + String.join(",", weights);
    }
    List<String> parts = new ArrayList<>();
    for (int i = 0; i < names.length; i++) {
      parts.add(names[i] + ":" + weights[i]);
    }
    return String.join(",", parts);
  }

  /** Where sources lie decides nothing, how much each counts does. */
  private static String weights(List<String> sources) {
    List<String> weights =
        sources.stream().flatMap(source -> WeightedSource.of(source).weight().stream()).toList();
    return weights.isEmpty() || weights.size() < sources.size()
        ? UNWEIGHTED
        : "weights " + String.join(", ", weights);
  }

  /** A source as it was named, without its weight where all have one. */
  static List<String> withoutWeights(List<String> sources) {
    return weights(sources).equals(UNWEIGHTED)
        ? sources
        : sources.stream().map(source -> WeightedSource.of(source).source()).toList();
  }

  /** A reward without the path of its model, whose content is compared, and with sorted options. */
  private static String reward(String text) {
    RewardSpec spec = RewardSpec.parse(ScoringModels.withPath(text, path -> ""));
    String canonical = spec.text();
    int options = canonical.indexOf('{');
    if (options < 0) {
      return canonical;
    }
    try {
      return canonical.substring(0, options)
          + SORTED.writeValueAsString(
              SORTED.readValue(canonical.substring(options), LinkedHashMap.class));
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new IllegalStateException("a reward's options are JSON", e);
    }
  }

  private static void change(ObjectNode options, String name, UnaryOperator<String> change) {
    if (!options.has(name)) {
      return;
    }
    List<String> texts = texts(options.path(name));
    ArrayNode changed = options.putArray(name);
    for (String text : texts) {
      try {
        changed.add(change.apply(text));
      } catch (PlumblineException e) {
        // A record of another version, or one with a masked secret: it is compared as it stands.
        changed.add(text);
      }
    }
  }

  static List<String> texts(JsonNode value) {
    List<String> texts = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(element -> texts.add(element.asText()));
    } else if (!value.isMissingNode() && !value.isNull()) {
      texts.add(value.asText());
    }
    return texts;
  }
}
