package io.plumbline.spark.training;

import io.plumbline.optim.OptimizerSettings;
import io.plumbline.spark.prepare.BadRowLimit;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import io.plumbline.spark.training.TrainingRequest.RowOrder;
import io.plumbline.spark.training.TrainingRequest.Rows;
import io.plumbline.train.LoopSettings.Selection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A request as options and their values, for run.json, the report, {@code rerun} and what a resumed
 * run is compared with. A new option is written here, by its name on the command line; it decides
 * updates unless {@link RunOptions} says otherwise.
 */
final class RequestText {
  private static final String NONE = "none";

  private RequestText() {}

  /** Every option that the algorithm has, but those that would do nothing beside the others. */
  static Map<String, Object> of(TrainingRequest request) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("model", request.model());
    rows(request, values);
    values.put("output", request.output());
    request.referenceCache().ifPresent(cache -> values.put("reference-cache", cache));
    values.put("ranks", request.ranks());
    values.put("threads-per-rank", request.threadsPerRank());
    values.put("device", word(request.device()));
    values.put("seed", request.seed());
    request.maxSteps().ifPresent(steps -> values.put("max-steps", steps));
    values.put("epochs", request.epochs());
    values.put("global-batch-size", request.globalBatchSize());
    if (request.microBatchSize().isPresent()) {
      values.put("micro-batch-size", request.microBatchSize().getAsInt());
    } else {
      values.put("micro-batch-tokens", request.microBatchTokens());
    }
    optimizer(request.optimizer(), values);
    lengths(request, values);
    values.put("no-shuffle", request.rowOrder() == RowOrder.AS_GIVEN);
    values.put("eval-steps", request.evalSteps());
    values.put("save-steps", request.saveSteps());
    values.put("keep-checkpoints", request.keepCheckpoints());
    values.put("compute-dtype", word(request.computeDtype()));
    values.put("save-dtype", word(request.saveDtype()));
    objective(request, values);
    values.put("max-bad-rows", limit(request.badRows()));
    values.put("on-bad-step", word(request.badSteps()));
    selection(request.selection(), values);
    request.tracking().ifPresent(tracking -> tracking(tracking, values));
    request
        .rollouts()
        .ifPresent(
            rollouts ->
                values.putAll(RolloutText.of(request.objective().lossTypes().get(0), rollouts)));
    return values;
  }

  private static void rows(TrainingRequest request, Map<String, Object> values) {
    Rows rows = request.rows();
    values.put("data", sources(rows));
    if (!rows.evalData().isEmpty()) {
      values.put("eval-data", rows.evalData());
    }
    rows.evalSplit().ifPresent(split -> values.put("eval-split", split(split)));
    if (!rows.columns().isEmpty()) {
      values.put("columns", rows.columns());
    }
    rows.desirableFrom().ifPresent(rating -> values.put("desirable-from", rating));
    values.putAll(rows.templates().options());
    if (request.algorithm() == Algorithm.SFT) {
      values.put("supervised-on", word(rows.supervisedOn()));
      values.put("loss-on", word(rows.lossOn()));
      values.put("packing", word(rows.packing()));
    }
  }

  private static void optimizer(OptimizerSettings optimizer, Map<String, Object> values) {
    values.put("learning-rate", optimizer.learningRate());
    values.put("lr-scheduler", word(optimizer.schedule()));
    values.put("warmup-steps", optimizer.warmupSteps());
    values.put("weight-decay", optimizer.weightDecay());
    values.put("max-grad-norm", orNone(optimizer.maxGradNorm()));
    values.put("adam-beta1", optimizer.beta1());
    values.put("adam-beta2", optimizer.beta2());
    values.put("adam-epsilon", optimizer.epsilon());
  }

  private static void lengths(TrainingRequest request, Map<String, Object> values) {
    // What is written to a prompt has a limit of its own.
    boolean online = request.algorithm().isOnline();
    if (!online) {
      values.put(
          "max-length",
          request.maxLength().isPresent() ? (Object) request.maxLength().getAsInt() : NONE);
    }
    values.put(
        "max-prompt-length",
        request.maxPromptLength().isPresent()
            ? (Object) request.maxPromptLength().getAsInt()
            : NONE);
    if (!online && request.maxLength().isPresent()) {
      values.put("truncation-mode", word(request.truncation()));
    }
  }

  private static void objective(TrainingRequest request, Map<String, Object> values) {
    ObjectiveSettings objective = request.objective();
    switch (request.algorithm()) {
      case SFT -> {}
      case REWARD -> values.put("center-rewards-coefficient", objective.centerRewardsCoefficient());
      case DPO -> dpo(objective, values);
      case KTO -> {
        losses(objective, values);
        values.put("beta", objective.beta());
        values.put("desirable-weight", objective.desirableWeight());
        values.put("undesirable-weight", objective.undesirableWeight());
      }
      case ORPO -> {
        values.put("beta", objective.beta());
        values.put("nll-on", word(objective.nllOn()));
      }
      case SIMPO -> simpo(objective, values);
      case GRPO -> {
        losses(objective, values);
        values.put("beta", objective.beta());
      }
      case PPO -> values.put("beta", objective.beta());
    }
  }

  private static void dpo(ObjectiveSettings objective, Map<String, Object> values) {
    losses(objective, values);
    values.put("beta", objective.beta());
    values.put("label-smoothing", objective.labelSmoothing());
    values.put("f-divergence-type", objective.fDivergenceType());
    if (objective.fDivergenceType().equals("alpha_divergence")) {
      values.put("f-alpha-divergence-coef", objective.fAlphaDivergenceCoef());
    }
    if (objective.lossTypes().contains("discopop")) {
      values.put("discopop-tau", objective.discopopTau());
    }
    values.put("ld-alpha", objective.ldAlpha());
    values.put(
        "reference-free", objective.referenceModel() == ObjectiveSettings.ReferenceModel.FREE);
    values.put("use-weighting", objective.weighting() == ObjectiveSettings.PairWeighting.WPO);
  }

  private static void simpo(ObjectiveSettings objective, Map<String, Object> values) {
    List<String> losses = objective.lossTypes();
    losses(objective, values);
    values.put("beta", objective.beta());
    values.put("label-smoothing", objective.labelSmoothing());
    boolean alphaPo = losses.contains("alphapo");
    if (alphaPo || losses.contains("simpo")) {
      values.put("simpo-gamma", objective.simpoGamma());
    }
    if (!alphaPo) {
      values.put("cpo-alpha", objective.cpoAlpha());
    }
    values.put("alpha", objective.alpha());
  }

  private static void losses(ObjectiveSettings objective, Map<String, Object> values) {
    values.put("loss-type", String.join(",", objective.lossTypes()));
    if (!objective.lossWeights().isEmpty()) {
      values.put(
          "loss-weights",
          objective.lossWeights().stream().map(String::valueOf).collect(Collectors.joining(",")));
    }
  }

  private static void selection(Selection selection, Map<String, Object> values) {
    if (selection.equals(Selection.LAST)) {
      return;
    }
    values.put("metric-for-best-model", selection.metric());
    values.put("best-is", word(selection.better()));
    if (selection.patience() > 0) {
      values.put("early-stopping-patience", selection.patience());
    }
    values.put("early-stopping-threshold", selection.threshold());
  }

  /** Without the credentials, and the parent that only its surroundings know. */
  private static void tracking(TrackingSettings tracking, Map<String, Object> values) {
    values.put("mlflow-uri", tracking.uri());
    values.put("mlflow-experiment", tracking.experiment());
    values.put("mlflow-run", tracking.run());
    tracking.model().ifPresent(model -> values.put("mlflow-model", model));
    values.put("mlflow-artifacts", word(tracking.artifacts()));
  }

  private static List<String> sources(Rows rows) {
    List<String> sources = new ArrayList<>(rows.data());
    for (int i = 0; i < rows.weights().size(); i++) {
      sources.set(i, sources.get(i) + ":" + rows.weights().get(i));
    }
    return sources;
  }

  private static Object split(EvalSplit split) {
    return split.rows() > 0 ? (Object) split.rows() : BadRowLimit.percent(split.share());
  }

  private static Object limit(BadRows badRows) {
    return badRows.atMost().isPresent()
        ? (Object) badRows.atMost().getAsLong()
        : BadRowLimit.percent(badRows.atMostShare());
  }

  static Object orNone(double limit) {
    return Double.isFinite(limit) ? (Object) limit : NONE;
  }

  /** A choice as the command line has it. */
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
