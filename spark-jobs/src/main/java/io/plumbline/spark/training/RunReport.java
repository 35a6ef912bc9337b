package io.plumbline.spark.training;

import com.fasterxml.jackson.databind.JsonNode;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.data.CanonicalShards;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.report.Curves;
import io.plumbline.spark.report.Histogram;
import io.plumbline.spark.report.Report;
import io.plumbline.spark.report.ReportData;
import io.plumbline.spark.report.ReportData.Better;
import io.plumbline.spark.report.ReportData.Bin;
import io.plumbline.spark.report.ReportData.ScoredSide;
import io.plumbline.spark.report.ReportData.Side;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.ModelUse;
import io.plumbline.spark.training.rank.HeldOutSamples;
import io.plumbline.statistics.Calibration;
import io.plumbline.storage.Storage;
import io.plumbline.train.MarginHistogram;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Fills the report page of a training run. */
final class RunReport {
  /** A held-out measure that the page compares before and after. */
  private record Measure(String metric, String meaning, Better better) {}

  private static final List<Measure> MEASURES =
      List.of(
          new Measure(
              "eval_rewards/accuracies",
              "share of held-out pairs where the implicit reward of the chosen side is higher",
              Better.HIGHER),
          new Measure(
              "eval_rewards/margins",
              "implicit reward of the chosen side minus that of the rejected one, mean",
              Better.HIGHER),
          new Measure(
              "eval_rewards/chosen", "implicit reward of the chosen side, mean", Better.NEITHER),
          new Measure(
              "eval_rewards/rejected",
              "implicit reward of the rejected side, mean",
              Better.NEITHER),
          new Measure(
              "eval_prefers_chosen",
              "share of held-out pairs where the chosen side has more log-probability a token",
              Better.HIGHER),
          new Measure(
              "eval_accuracy",
              "share of held-out pairs whose chosen side has the higher score",
              Better.HIGHER),
          new Measure(
              "eval_margin",
              "score of the chosen side minus that of the rejected one, mean",
              Better.HIGHER),
          new Measure(
              "eval_brier_score",
              "squared error of the predicted probability that the chosen side is preferred, mean",
              Better.LOWER),
          new Measure(
              "eval_calibration_error",
              "how far predicted probabilities are from how often the prediction was right, mean",
              Better.LOWER),
          new Measure(
              "eval_reward", "reward of completions of held-out prompts, mean", Better.HIGHER),
          new Measure(
              "eval_objective/kl",
              "distance from the reference, in nats a completion, mean",
              Better.NEITHER),
          new Measure(
              "eval_completions/mean_length",
              "length of a completion, in tokens, mean",
              Better.NEITHER),
          new Measure(
              "eval_completions/clipped_ratio",
              "share of completions that were cut off at the greatest length",
              Better.LOWER),
          new Measure("eval_loss", "loss on held-out rows", Better.LOWER),
          new Measure(
              "eval_mean_token_accuracy",
              "share of held-out tokens that were the most probable one",
              Better.HIGHER),
          new Measure(
              "eval_nll_loss",
              "negative log-likelihood of a token of the chosen side, in nats, mean",
              Better.LOWER),
          new Measure(
              "eval_kl",
              "estimated distance of the policy from the reference, in nats",
              Better.NEITHER),
          new Measure("eval_entropy", "entropy of the next token, in nats, mean", Better.NEITHER));

  private static final String CALIBRATION = "eval_calibration/";
  private static final String MARGINS = "eval_" + MarginHistogram.METRIC;

  /** Steps that a sentence names before it says how many more there are. */
  private static final int NAMED_STEPS = 5;

  private RunReport() {}

  /**
   * @param shards the rows trained on
   * @param culpritsStandAt where rows stand that made steps bad; empty without such rows
   * @param standard options and their values where nobody gives them
   */
  static void write(
      Storage storage,
      RunDirectory run,
      TrainingRequest request,
      RunRecord record,
      List<Map<String, Double>> metrics,
      Map<String, Double> before,
      Map<String, Double> after,
      Prepared rows,
      CanonicalShards shards,
      String culpritsStandAt,
      RolloutSamples rollouts,
      Map<String, Object> standard) {
    ReportData.Builder report =
        ReportData.titled(
            request.algorithm().title() + " on " + String.join(", ", request.files().sources()));
    Algorithm algorithm = request.algorithm();
    JsonNode counts = record.json().path("counts");
    OptionalLong best = count(counts, "best_step");
    report.verdict(
        Stream.of(
                RunVerdict.of(algorithm, before, after),
                counts.path("overlap.rows").asLong() > 0
                    ? "Some of those rows were trained on too; see Data below."
                    : "",
                RunVerdict.ending(
                    counts.path("steps").asLong(),
                    counts.path("planned_steps").asLong(),
                    best.orElse(-1),
                    request.saving().selection().metric(),
                    request.saving().selection().patience()))
            .filter(sentence -> !sentence.isEmpty())
            .collect(Collectors.joining(" ")));
    for (Measure measure : MEASURES) {
      if (after.containsKey(measure.metric())) {
        report.comparison(
            measure.metric(),
            algorithm.meanings().getOrDefault(measure.metric(), measure.meaning()),
            before.getOrDefault(measure.metric(), Double.NaN),
            after.get(measure.metric()),
            measure.better());
      }
    }
    calibration(counts, before, after).ifPresent(report::calibration);
    report.stage(algorithm.command(), Curves.of(metrics, RunReport::isCurve), best);
    rollouts.histograms().forEach(report::histogram);
    report.histogram(margins(counts, before, after));
    report.histogram(RowLengths.of(shards));
    if (algorithm.modelUse() == ModelUse.DECODER) {
      scoredRows(storage, run, report);
    } else {
      samples(storage, run, report);
    }
    rollouts.groups().forEach(report::rolloutGroup);
    data(counts, request, metrics, report);
    if (!culpritsStandAt.isEmpty()) {
      report.warning(culpritsStandAt);
    }
    record
        .json()
        .path("counts")
        .properties()
        .forEach(count -> report.count(count.getKey(), count.getValue().asLong()));
    rows.counts()
        .refused()
        .forEach(
            (reason, refused) ->
                report.refusal(reason, refused, rows.quarantine().orElse("quarantine")));
    rows.refusedRows().forEach(report::refusedRow);
    request
        .options()
        .forEach(
            (option, value) ->
                report.configuration(
                    option,
                    text(value),
                    Optional.ofNullable(standard.get(option)).map(RunReport::text)));
    for (String part : List.of("fingerprints", "versions")) {
      record
          .json()
          .path(part)
          .properties()
          .forEach(entry -> report.provenance(entry.getKey(), entry.getValue().asText()));
    }
    record
        .json()
        .path("read")
        .properties()
        .forEach(
            split ->
                split
                    .getValue()
                    .forEach(line -> report.provenance(split.getKey() + " data", line.asText())));
    report.provenance("checkpoint", run.checkpoint());
    record
        .json()
        .path("timings")
        .properties()
        .forEach(timing -> report.timing(timing.getKey(), timing.getValue().asDouble()));
    Report.write(storage, run.report(), report.build());
  }

  private static OptionalLong count(JsonNode counts, String name) {
    return counts.has(name) ? OptionalLong.of(counts.path(name).asLong()) : OptionalLong.empty();
  }

  private static String text(Object value) {
    return value instanceof List<?> list
        ? list.stream().map(String::valueOf).collect(Collectors.joining(", "))
        : String.valueOf(value);
  }

  /** Bins of the two evaluations that count are drawn; a curve for each bin says nothing. */
  private static boolean isCurve(String metric) {
    return !metric.startsWith(CALIBRATION) && !metric.startsWith(MARGINS);
  }

  private static Optional<ReportData.Calibration> calibration(
      JsonNode counts, Map<String, Double> before, Map<String, Double> after) {
    List<Bin> bins = bins(after);
    if (bins.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new ReportData.Calibration(held(counts), bins(before), bins));
  }

  /** Rows held out; absent where nobody counted them. */
  private static OptionalLong held(JsonNode counts) {
    OptionalLong split = count(counts, "eval.split");
    return split.isPresent() ? split : count(counts, "eval.accepted");
  }

  /** How far the two sides of held-out pairs are apart, before and after. */
  private static Histogram margins(
      JsonNode counts, Map<String, Double> before, Map<String, Double> after) {
    List<Double> edges = MarginHistogram.edges();
    Map<String, Map<String, Double>> moments = new LinkedHashMap<>();
    moments.put("before", before);
    moments.put("after", after);
    List<Histogram.Group> groups = new ArrayList<>();
    moments.forEach(
        (moment, evaluation) -> {
          List<Double> shares =
              IntStream.range(0, edges.size() - 1)
                  .mapToObj(bin -> evaluation.getOrDefault(MARGINS + bin, 0.0))
                  .toList();
          if (shares.stream().anyMatch(share -> share > 0)) {
            groups.add(new Histogram.Group(moment, held(counts).orElse(0), shares));
          }
        });
    return new Histogram(
        "Margins of held-out pairs",
        "The reward or score of each pair's chosen side minus that of the rejected one: what is right"
            + " of 0 is told apart the right way round. The bins widen with the distance from 0.",
        edges,
        groups);
  }

  private static List<Bin> bins(Map<String, Double> evaluation) {
    List<Bin> bins = new ArrayList<>();
    for (int bin = 0; bin < Calibration.BINS; bin++) {
      String name = CALIBRATION + bin;
      if (evaluation.containsKey(name + "/share")) {
        double width = 0.5 / Calibration.BINS;
        bins.add(
            new Bin(
                0.5 + width * bin,
                0.5 + width * (bin + 1),
                evaluation.get(name + "/share"),
                evaluation.get(name + "/predicted"),
                evaluation.get(name + "/observed")));
      }
    }
    return bins;
  }

  /** What became of the rows, and what a reader of the numbers must know of them. */
  static void data(
      JsonNode counts,
      TrainingRequest request,
      List<Map<String, Double>> metrics,
      ReportData.Builder report) {
    long overlapRows = counts.path("overlap.rows").asLong();
    long overlapPrompts = counts.path("overlap.prompts").asLong();
    if (overlapRows > 0 || overlapPrompts > 0) {
      report.warning(
          String.format(
              Locale.ROOT,
              "Of %,d held-out rows %,d stand in the training data too, and %,d have a prompt that"
                  + " does: the measures on held-out data partly say what was memorised.",
              counts.path("eval.accepted").asLong(),
              overlapRows,
              overlapPrompts));
    }
    List<String> leftOut = leftOut(metrics);
    if (!leftOut.isEmpty()) {
      report.warning(
          String.format(
              Locale.ROOT,
              "%,d of %,d steps changed no weight, because their loss or gradient was not a finite"
                  + " number: %s%s.",
              leftOut.size(),
              counts.path("steps").asLong(),
              leftOut.stream().limit(NAMED_STEPS).collect(Collectors.joining(", ")),
              leftOut.size() > NAMED_STEPS
                  ? " and " + (leftOut.size() - NAMED_STEPS) + " more"
                  : ""));
    }
    OptionalLong split = count(counts, "eval.split");
    long rows = counts.path(split.isPresent() ? "train.split" : "train.accepted").asLong();
    if (split.isPresent()) {
      report.remark(
          String.format(
              Locale.ROOT,
              "%,d rows of the data were held out for evaluation, and %s; rows of one prompt stayed"
                  + " together.",
              split.getAsLong(),
              trainedOn(rows, counts, request)));
    } else if (counts.has("eval.accepted")) {
      report.remark(
          String.format(
              Locale.ROOT,
              "%s, and %,d of the evaluation data were held out.",
              trainedOn(rows, counts, request),
              counts.path("eval.accepted").asLong()));
    }
    if (counts.has("train.packed")) {
      report.remark(
          String.format(
              Locale.ROOT,
              "%,d rows were packed into %,d of at most %,d tokens.",
              rows,
              counts.path("train.packed").asLong(),
              request.lengths().maxLength().orElse(0)));
    }
  }

  /** A part of a sentence: how many rows a run has seen, which may end before it has seen all. */
  private static String trainedOn(long rows, JsonNode counts, TrainingRequest request) {
    if (!request.files().weights().isEmpty()) {
      return String.format(
          Locale.ROOT, "%,d rows were trained on by the weights of their sources", rows);
    }
    long places = counts.path("steps").asLong() * request.batch().globalBatchSize();
    long packed = counts.path("train.packed").asLong(rows);
    if (places >= packed) {
      return String.format(Locale.ROOT, "%,d rows were trained on", rows);
    }
    return String.format(
        Locale.ROOT,
        "%,d of %,d %s were trained on",
        places,
        packed,
        counts.has("train.packed") ? "packed rows" : "rows");
  }

  /** Steps without an update: the numbers of lines of training whose metrics are not finite. */
  private static List<String> leftOut(List<Map<String, Double>> metrics) {
    return metrics.stream()
        .filter(line -> notFinite(line, "loss") || notFinite(line, "grad_norm"))
        .map(line -> String.format(Locale.ROOT, "%,d", line.get("step").longValue()))
        .toList();
  }

  private static boolean notFinite(Map<String, Double> line, String metric) {
    return !Double.isFinite(line.getOrDefault(metric, 0.0));
  }

  private static void samples(Storage storage, RunDirectory run, ReportData.Builder report) {
    List<HeldOutSamples.Answer> before = HeldOutSamples.answers(storage, run.samples("before"));
    List<HeldOutSamples.Answer> after = HeldOutSamples.answers(storage, run.samples("after"));
    for (int i = 0; i < Math.min(before.size(), after.size()); i++) {
      report.sample(
          after.get(i).prompt(), before.get(i).answer(), after.get(i).answer(), own(after.get(i)));
    }
  }

  private static Side[] own(HeldOutSamples.Answer answer) {
    List<String> texts = answer.completions();
    if (texts.size() == 2) {
      return new Side[] {new Side("Preferred", texts.get(0)), new Side("Rejected", texts.get(1))};
    }
    String label =
        switch (answer.label()) {
          case DESIRABLE -> "In the data, as a good one";
          case UNDESIRABLE -> "In the data, as a bad one";
          case UNSTATED -> "In the data";
        };
    return texts.stream().map(text -> new Side(label, text)).toArray(Side[]::new);
  }

  private static void scoredRows(Storage storage, RunDirectory run, ReportData.Builder report) {
    List<HeldOutSamples.Scored> before = HeldOutSamples.scores(storage, run.samples("before"));
    List<HeldOutSamples.Scored> after = HeldOutSamples.scores(storage, run.samples("after"));
    for (int i = 0; i < Math.min(before.size(), after.size()); i++) {
      List<ScoredSide> sides = new ArrayList<>();
      for (int side = 0; side < after.get(i).completions().size(); side++) {
        sides.add(
            new ScoredSide(
                side == 0 ? "Preferred" : "Rejected",
                after.get(i).completions().get(side),
                before.get(i).scores().get(side),
                after.get(i).scores().get(side)));
      }
      report.scoredRow(after.get(i).prompt(), sides);
    }
  }
}
