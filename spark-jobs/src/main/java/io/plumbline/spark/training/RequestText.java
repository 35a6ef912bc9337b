package io.plumbline.spark.training;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import io.plumbline.spark.training.TrainingRequest.Rows;
import io.plumbline.train.LoopSettings.Selection;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;

/** A request as options and their values, for run.json, the report and messages. */
final class RequestText {
  /** What may change when a run goes on. */
  private static final Set<String> DECIDE_NO_UPDATE =
      Set.of(
          "ranks",
          "threads-per-rank",
          "device",
          "output",
          "reference-cache",
          "micro-batch-size",
          "micro-batch-tokens",
          "eval-data",
          "eval-steps",
          "save-steps",
          "save-dtype",
          "keep-checkpoints",
          "max-bad-rows",
          "max-failed-rewards",
          "num-generations-eval",
          "on-bad-step",
          "metric-for-best-model",
          "best-is",
          "early-stopping-patience",
          "early-stopping-threshold",
          "mlflow-uri",
          "mlflow-experiment",
          "mlflow-run",
          "mlflow-model",
          "mlflow-artifacts");

  /** Options that are there only where another says so, which then differs itself. */
  private static final Set<String> READ_BESIDE_OTHERS =
      Set.of(
          "discopop-tau", "f-alpha-divergence-coef", "cpo-alpha", "simpo-gamma", "truncation-mode");

  /** Settings whose options are called otherwise. */
  private static final Map<String, String> OPTIONS =
      Map.ofEntries(
          Map.entry("lossTypes", "loss-type"),
          Map.entry("referenceModel", "reference-free"),
          Map.entry("weighting", "use-weighting"),
          Map.entry("schedule", "lr-scheduler"),
          Map.entry("beta1", "adam-beta1"),
          Map.entry("beta2", "adam-beta2"),
          Map.entry("epsilon", "adam-epsilon"),
          Map.entry("truncation", "truncation-mode"),
          Map.entry("rowOrder", "no-shuffle"),
          Map.entry("badSteps", "on-bad-step"),
          Map.entry("metric", "metric-for-best-model"),
          Map.entry("better", "best-is"),
          Map.entry("patience", "early-stopping-patience"),
          Map.entry("threshold", "early-stopping-threshold"));

  /** Options without a value, and which value of their settings they stand for. */
  private static final Map<String, Enum<?>> FLAGS =
      Map.of(
          "rowOrder", TrainingRequest.RowOrder.AS_GIVEN,
          "referenceModel", ObjectiveSettings.ReferenceModel.FREE,
          "weighting", ObjectiveSettings.PairWeighting.WPO);

  /** Settings that say {@code none} where they are absent. */
  private static final Set<String> LIMITS = Set.of("maxLength", "maxPromptLength");

  private static final List<String> OF_DPO =
      List.of(
          "lossTypes",
          "lossWeights",
          "beta",
          "labelSmoothing",
          "fDivergenceType",
          "fAlphaDivergenceCoef",
          "discopopTau",
          "ldAlpha",
          "referenceModel",
          "weighting");
  private static final List<String> OF_SFT = List.of("supervisedOn", "lossOn", "packing");

  private RequestText() {}

  /** Every option that the algorithm has, but those that would do nothing beside the others. */
  static Map<String, Object> of(TrainingRequest request) {
    Map<String, Object> values = new LinkedHashMap<>();
    flatten(request, left(request), values);
    request
        .rollouts()
        .ifPresent(
            rollouts ->
                values.putAll(RolloutText.of(request.objective().lossTypes().get(0), rollouts)));
    return values;
  }

  /** What of a request's rollouts decides updates; empty where it has none. */
  static String rolloutsThatDecide(TrainingRequest request) {
    Map<String, Object> values = new LinkedHashMap<>();
    request
        .rollouts()
        .ifPresent(
            rollouts ->
                values.putAll(RolloutText.of(request.objective().lossTypes().get(0), rollouts)));
    values.keySet().removeAll(DECIDE_NO_UPDATE);
    return values.isEmpty() ? "" : values.toString();
  }

  /** Settings that are left out. */
  private static Set<String> left(TrainingRequest request) {
    ObjectiveSettings objective = request.objective();
    List<String> losses = objective.lossTypes();
    Set<String> left = new HashSet<>(Set.of("algorithm", "start", "rollouts"));
    List<String> read =
        switch (request.algorithm()) {
          case SFT -> OF_SFT;
          case REWARD -> List.of("centerRewardsCoefficient");
          case DPO -> OF_DPO;
          case KTO -> List.of("lossTypes", "beta", "desirableWeight", "undesirableWeight");
          case ORPO -> List.of("beta", "nllOn");
          case SIMPO ->
              List.of("lossTypes", "beta", "labelSmoothing", "simpoGamma", "cpoAlpha", "alpha");
          case GRPO -> List.of("lossTypes", "beta");
          case PPO -> List.of("beta");
        };
    for (RecordComponent component : ObjectiveSettings.class.getRecordComponents()) {
      left.add(component.getName());
    }
    left.addAll(OF_SFT);
    read.forEach(left::remove);
    if (!losses.contains("discopop")) {
      left.add("discopopTau");
    }
    if (!objective.fDivergenceType().equals("alpha_divergence")) {
      left.add("fAlphaDivergenceCoef");
    }
    if (losses.contains("alphapo")) {
      left.add("cpoAlpha");
    } else if (!losses.contains("simpo")) {
      left.add("simpoGamma");
    }
    if (request.maxLength().isEmpty()) {
      left.add("truncation");
    }
    if (request.algorithm().isOnline()) {
      // What is written to a prompt has a limit of its own.
      left.addAll(List.of("maxLength", "truncation"));
    }
    if (request.microBatchSize().isPresent()) {
      left.add("microBatchTokens");
    }
    if (request.selection().patience() == 0) {
      left.add("patience");
    }
    return left;
  }

  private static void flatten(Record settings, Set<String> left, Map<String, Object> values) {
    for (RecordComponent component : settings.getClass().getRecordComponents()) {
      if (left.contains(component.getName())) {
        continue;
      }
      try {
        put(component.getName(), component.getAccessor().invoke(settings), left, values);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("records can be read", e);
      }
    }
  }

  private static void put(String name, Object value, Set<String> left, Map<String, Object> values) {
    Object present = present(value);
    if (present == null) {
      if (LIMITS.contains(name)) {
        values.put(option(name), "none");
      }
    } else if (present instanceof Rows rows) {
      values.put("data", sources(rows));
      Set<String> rest = new HashSet<>(left);
      rest.addAll(List.of("data", "weights"));
      flatten(rows, rest, values);
    } else if (present instanceof BadRows badRows) {
      values.put(
          "max-bad-rows",
          badRows.atMost().isPresent()
              ? (Object) badRows.atMost().getAsLong()
              : percent(badRows.atMostShare()));
    } else if (present instanceof EvalSplit split) {
      values.put("eval-split", split.rows() > 0 ? (Object) split.rows() : percent(split.share()));
    } else if (present instanceof TrackingSettings tracking) {
      // Without the credentials, and the parent that only its surroundings know.
      values.put("mlflow-uri", tracking.uri());
      values.put("mlflow-experiment", tracking.experiment());
      values.put("mlflow-run", tracking.run());
      tracking.model().ifPresent(model -> values.put("mlflow-model", model));
      values.put("mlflow-artifacts", tracking.artifacts().name().toLowerCase(Locale.ROOT));
    } else if (present instanceof Selection selection && selection.equals(Selection.LAST)) {
      return;
    } else if (present instanceof Record nested) {
      flatten(nested, left, values);
    } else if (!List.of().equals(present)) {
      values.put(option(name), word(name, present));
    }
  }

  /** What an optional value holds, or null. */
  private static Object present(Object value) {
    if (value instanceof Optional<?> optional) {
      return optional.orElse(null);
    }
    if (value instanceof OptionalInt optional) {
      return optional.isPresent() ? optional.getAsInt() : null;
    }
    if (value instanceof OptionalLong optional) {
      return optional.isPresent() ? optional.getAsLong() : null;
    }
    return value;
  }

  private static List<String> sources(Rows rows) {
    List<String> sources = new ArrayList<>(rows.data());
    for (int i = 0; i < rows.weights().size(); i++) {
      sources.set(i, sources.get(i) + ":" + rows.weights().get(i));
    }
    return sources;
  }

  static String percent(double share) {
    return BigDecimal.valueOf(share).scaleByPowerOfTen(2).stripTrailingZeros().toPlainString()
        + "%";
  }

  private static Object word(String name, Object value) {
    if (FLAGS.containsKey(name)) {
      return value == FLAGS.get(name);
    }
    if (value instanceof Enum<?> constant) {
      return constant.name().toLowerCase(Locale.ROOT);
    }
    if (name.equals("lossTypes") || name.equals("lossWeights")) {
      return ((List<?>) value).stream().map(String::valueOf).collect(Collectors.joining(","));
    }
    return value.equals(Double.POSITIVE_INFINITY) ? "none" : value;
  }

  /** The options that differ and decide updates, for a sentence. */
  static String difference(ObjectNode earlier, ObjectNode now) {
    Set<String> names = new LinkedHashSet<>();
    now.fieldNames().forEachRemaining(names::add);
    earlier.fieldNames().forEachRemaining(names::add);
    names.removeAll(DECIDE_NO_UPDATE);
    List<String> options = new ArrayList<>();
    names.removeIf(
        name -> READ_BESIDE_OTHERS.contains(name) && !(earlier.has(name) && now.has(name)));
    for (String name : names) {
      // As text: what was read from a file has other types of numbers.
      if (!String.valueOf(earlier.get(name)).equals(String.valueOf(now.get(name)))) {
        options.add("--" + name);
      }
    }
    return options.isEmpty() ? "content of the model or the data" : String.join(", ", options);
  }

  /** How a setting is written on the command line, without the dashes before it. */
  private static String option(String name) {
    return OPTIONS.getOrDefault(name, name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
  }
}
