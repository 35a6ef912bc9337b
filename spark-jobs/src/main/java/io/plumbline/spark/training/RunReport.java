package io.plumbline.spark.training;

import io.plumbline.checkpoint.RunRecord;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.report.Report;
import io.plumbline.spark.report.ReportData;
import io.plumbline.spark.report.ReportData.Better;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;
import java.util.Map;

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
              "eval_prefers_chosen",
              "share of held-out pairs where the chosen side has more log-probability a token",
              Better.HIGHER),
          new Measure("eval_loss", "loss on held-out rows", Better.LOWER),
          new Measure(
              "eval_mean_token_accuracy",
              "share of held-out tokens that were the most probable one",
              Better.HIGHER),
          new Measure("eval_entropy", "entropy of the next token, in nats, mean", Better.NEITHER));

  private RunReport() {}

  static void write(
      Storage storage,
      RunDirectory run,
      TrainingRequest request,
      RunRecord record,
      List<Map<String, Double>> metrics,
      Map<String, Double> before,
      Map<String, Double> after,
      Prepared rows) {
    ReportData.Builder report =
        ReportData.titled(
            request.algorithm().name().toUpperCase(Locale.ROOT)
                + " on "
                + String.join(", ", request.data()));
    for (Measure measure : MEASURES) {
      if (after.containsKey(measure.metric())) {
        report.comparison(
            measure.metric(),
            measure.meaning(),
            before.getOrDefault(measure.metric(), Double.NaN),
            after.get(measure.metric()),
            measure.better());
      }
    }
    report.stage(request.algorithm().command(), metrics);
    samples(storage, run, report);
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
    RequestText.of(request).forEach(report::configuration);
    for (String part : List.of("fingerprints", "versions")) {
      record
          .json()
          .path(part)
          .properties()
          .forEach(entry -> report.provenance(entry.getKey(), entry.getValue().asText()));
    }
    report.provenance("checkpoint", run.checkpoint());
    record
        .json()
        .path("timings")
        .properties()
        .forEach(timing -> report.timing(timing.getKey(), timing.getValue().asDouble()));
    Report.write(storage, run.report(), report.build());
  }

  private static void samples(Storage storage, RunDirectory run, ReportData.Builder report) {
    List<HeldOutSamples.Answer> before = HeldOutSamples.read(storage, run.samples("before"));
    List<HeldOutSamples.Answer> after = HeldOutSamples.read(storage, run.samples("after"));
    for (int i = 0; i < Math.min(before.size(), after.size()); i++) {
      List<String> sides = after.get(i).completions();
      if (sides.size() == 2) {
        report.sample(
            after.get(i).prompt(),
            before.get(i).answer(),
            after.get(i).answer(),
            sides.get(0),
            sides.get(1));
      } else {
        report.sample(after.get(i).prompt(), before.get(i).answer(), after.get(i).answer());
      }
    }
  }
}
