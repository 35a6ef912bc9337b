package io.plumbline.spark.training;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.advantage.CostSpec;
import io.plumbline.checkpoint.DecidingOptions;
import io.plumbline.error.PlumblineException;
import io.plumbline.reward.RewardSpec;
import io.plumbline.spark.source.WeightedSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Which options of training commands decide updates: all, but those that stand here with a reason.
 *
 * <p>A new option decides updates without being named here. It is named in {@link #NEUTRAL} if
 * {@link RequestText} writes it with a value that means what runs did before there was the option,
 * and in {@link #FOLLOWS} if it is there only beside another option, or takes its default from one.
 */
public final class RunOptions {
  /** Options that may have another value when a run is resumed, and why. */
  private static final Map<String, String> DECIDE_NO_UPDATE =
      Map.ofEntries(
          Map.entry("ranks", "a step's rows do not depend on the number of ranks"),
          Map.entry("threads-per-rank", "where sums are computed, up to rounding"),
          Map.entry("device", "where sums are computed, up to rounding"),
          Map.entry("micro-batch-size", "how a step's rows share passes"),
          Map.entry("micro-batch-tokens", "how a step's rows share passes"),
          Map.entry("model", "may lie elsewhere: its content is compared"),
          Map.entry("critic-model", "may lie elsewhere: its content is compared"),
          Map.entry("chat-template", "may lie elsewhere: its content is compared"),
          Map.entry("output", "is the directory itself, which may have moved"),
          Map.entry("resume", "says what becomes of the directory"),
          Map.entry("overwrite", "says what becomes of the directory"),
          Map.entry("master", "where ranks run"),
          Map.entry("reference-cache", "values are found by content"),
          Map.entry("eval-data", "is not trained on"),
          Map.entry("eval-steps", "when is evaluated"),
          Map.entry("num-generations-eval", "is drawn for evaluation alone"),
          Map.entry("save-steps", "when is saved"),
          Map.entry("save-dtype", "how the result is written"),
          Map.entry("keep-checkpoints", "how many states stay"),
          Map.entry("max-bad-rows", "ends a run and changes none of its rows"),
          Map.entry("max-failed-rewards", "ends a run and changes none of its updates"),
          Map.entry("on-bad-step", "what follows where the run would have ended"),
          Map.entry("metric-for-best-model", "which weights are the result"),
          Map.entry("best-is", "which weights are the result"),
          Map.entry("early-stopping-patience", "when no more updates follow"),
          Map.entry("early-stopping-threshold", "when no more updates follow"),
          Map.entry("mlflow-uri", "who hears of the run"),
          Map.entry("mlflow-experiment", "who hears of the run"),
          Map.entry("mlflow-run", "who hears of the run"),
          Map.entry("mlflow-model", "who hears of the run"),
          Map.entry("mlflow-artifacts", "who hears of the run"));

  private static final String UNWEIGHTED = "without weights";

  /**
   * Values with which an option does nothing. They are fixed by what the option means, not by what
   * it is by default: a default may change, and a run that had the old one is another run then.
   */
  private static final Map<String, String> NEUTRAL =
      Map.ofEntries(
          Map.entry("data", UNWEIGHTED),
          Map.entry("supervised-on", "completion"),
          Map.entry("loss-on", "completion"),
          Map.entry("packing", "off"),
          Map.entry("warmup-steps", "0"),
          Map.entry("weight-decay", "0"),
          Map.entry("max-grad-norm", "none"),
          Map.entry("max-length", "none"),
          Map.entry("max-prompt-length", "none"),
          Map.entry("no-shuffle", "false"),
          Map.entry("compute-dtype", "f32"),
          Map.entry("label-smoothing", "0"),
          Map.entry("f-divergence-type", "reverse_kl"),
          Map.entry("ld-alpha", "1"),
          Map.entry("reference-free", "false"),
          Map.entry("use-weighting", "false"),
          Map.entry("desirable-weight", "1"),
          Map.entry("undesirable-weight", "1"),
          Map.entry("cpo-alpha", "0"),
          Map.entry("alpha", "0"),
          Map.entry("center-rewards-coefficient", "0"),
          Map.entry("temperature", "1"),
          Map.entry("top-p", "1"),
          Map.entry("top-k", "0"),
          Map.entry("min-p", "0"),
          Map.entry("repetition-penalty", "1"),
          Map.entry("mask-truncated-completions", "false"),
          Map.entry("overlong-cache", "0"),
          Map.entry("dynamic-sampling", "1"),
          Map.entry("curriculum-pool", "1"),
          Map.entry("importance-sampling-level", "token"),
          Map.entry("no-bias-correction-kl", "false"),
          Map.entry("entropy-coef", "0"),
          Map.entry("top-entropy-quantile", "1"),
          Map.entry("cliprange-value", "none"),
          Map.entry("whiten-rewards", "false"),
          Map.entry("reward-scale", "1"),
          Map.entry("reward-clip", "none"),
          Map.entry("missing-eos-penalty", "0"));

  /** Options that are there only beside another, or take their default from it. */
  private static final Map<String, Set<String>> FOLLOWS =
      Map.ofEntries(
          Map.entry("epochs", Set.of("max-steps")),
          Map.entry("truncation-mode", Set.of("max-length")),
          Map.entry("f-alpha-divergence-coef", Set.of("f-divergence-type")),
          Map.entry("discopop-tau", Set.of("loss-type")),
          Map.entry("simpo-gamma", Set.of("loss-type")),
          Map.entry("cpo-alpha", Set.of("loss-type")),
          Map.entry("cost-learning-rate", Set.of("cost")),
          Map.entry("epsilon", Set.of("loss-type")),
          Map.entry("epsilon-high", Set.of("epsilon", "loss-type")),
          Map.entry("kl-in", Set.of("loss-type")),
          Map.entry("kl-estimator", Set.of("kl-in", "loss-type")),
          Map.entry("kl-horizon", Set.of("kl-target")),
          Map.entry("scale-rewards", Set.of("loss-type")),
          Map.entry("advantage-baseline", Set.of("loss-type")),
          Map.entry("sapo-temperature-pos", Set.of("loss-type")),
          Map.entry("sapo-temperature-neg", Set.of("loss-type")),
          Map.entry("vespo-k-pos", Set.of("loss-type")),
          Map.entry("vespo-lambda-pos", Set.of("loss-type")),
          Map.entry("vespo-k-neg", Set.of("loss-type")),
          Map.entry("vespo-lambda-neg", Set.of("loss-type")),
          Map.entry("ptx-coef", Set.of("ptx-data")),
          Map.entry("ptx-max-length", Set.of("ptx-data")));

  static final DecidingOptions.Rules RULES =
      new DecidingOptions.Rules(DECIDE_NO_UPDATE.keySet(), NEUTRAL, FOLLOWS);

  private static final ObjectMapper SORTED =
      new ObjectMapper().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  private RunOptions() {}

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
