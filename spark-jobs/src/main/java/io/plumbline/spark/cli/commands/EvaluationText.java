package io.plumbline.spark.cli.commands;

import io.plumbline.spark.evaluate.Evaluation;
import io.plumbline.statistics.Estimate;
import io.plumbline.statistics.Tilt;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** An evaluation as tables of text. */
final class EvaluationText {
  private EvaluationText() {}

  static String of(Evaluation evaluation, String output) {
    StringBuilder text = new StringBuilder();
    append(text, policies(evaluation));
    evaluation
        .tilt()
        .ifPresent(
            tilt -> {
              text.append(System.lineSeparator());
              append(text, tilt(tilt));
            });
    return text.append(System.lineSeparator())
        .append(String.format("evaluation %s/%s%n", output, EvaluateCommand.RESULT))
        .append(String.format("report     %s/report.html%n", output))
        .toString();
  }

  private static List<List<String>> policies(Evaluation evaluation) {
    List<List<String>> columns = new ArrayList<>();
    List<Evaluation.Policy> policies = evaluation.policies();
    columns.add(column("policy", policies.stream().map(Evaluation.Policy::name).toList()));
    if (policies.stream().anyMatch(policy -> policy.preferences().isPresent())) {
      List<Evaluation.Preferences> found =
          policies.stream().map(policy -> policy.preferences().orElseThrow()).toList();
      columns.add(
          column(
              "accuracy",
              found.stream().map(p -> number(p.metrics().accuracy(), p.accuracyError())).toList()));
      columns.add(
          column(
              "margin",
              found.stream().map(p -> number(p.metrics().margin(), p.marginError())).toList()));
      columns.add(
          column(
              "calibration error",
              found.stream().map(p -> number(p.calibrationError(), Double.NaN)).toList()));
    }
    if (evaluation.prompts().isPresent()) {
      List<Evaluation.Completions> written =
          policies.stream().map(policy -> policy.completions().orElseThrow()).toList();
      if (written.get(0).reward().isPresent()) {
        columns.add(
            column("reward", written.stream().map(w -> number(w.reward().orElseThrow())).toList()));
      }
      if (written.get(0).kl().isPresent()) {
        columns.add(
            column("KL", written.stream().map(w -> number(w.kl().orElseThrow().k1())).toList()));
      }
      columns.add(
          column(
              "length",
              written.stream()
                  .map(w -> String.format(Locale.ROOT, "%.1f", w.length().mean()))
                  .toList()));
    }
    if (policies.stream().anyMatch(policy -> policy.winRate().isPresent())) {
      columns.add(
          column(
              "wins against " + policies.get(0).name(),
              policies.stream()
                  .map(policy -> policy.winRate().map(won -> number(won.rate())).orElse(""))
                  .toList()));
    }
    if (policies.stream().anyMatch(policy -> policy.frontier().isPresent())) {
      columns.add(
          column(
              "best at its KL",
              policies.stream()
                  .map(
                      policy ->
                          policy
                              .frontier()
                              .map(
                                  frontier ->
                                      (frontier.place().reach() == Tilt.Reach.BEYOND ? "≥ " : "")
                                          + number(
                                              frontier.place().reward(), frontier.place().error()))
                              .orElse(""))
                  .toList()));
      columns.add(
          column(
              "share reached",
              policies.stream()
                  .map(
                      policy ->
                          policy
                              .frontier()
                              .flatMap(Evaluation.Frontier::share)
                              .map(share -> number(share.value(), share.error()))
                              .orElse(""))
                  .toList()));
    }
    return columns;
  }

  private static List<List<String>> tilt(Evaluation.TiltResult tilt) {
    Tilt.Optimum optimum = tilt.optimum();
    Tilt.BestOfN best = tilt.bestOfN().get(tilt.bestOfN().size() - 1);
    return List.of(
        column(
            "tilt",
            List.of(
                "reference",
                String.format(Locale.ROOT, "optimum at beta %s", plain(optimum.beta())),
                "best of " + best.n())),
        column(
            "reward",
            List.of(
                number(tilt.referenceReward()), number(optimum.reward()), number(best.reward()))),
        column("KL", List.of("0", number(optimum.kl()), "≤ " + number(best.klBound(), Double.NaN))),
        column("log Z", List.of("", number(optimum.logPartition()), "")),
        column(
            "effective of " + tilt.numCompletions(),
            List.of("", String.format(Locale.ROOT, "%.1f", optimum.effectiveSampleSize()), "")));
  }

  private static List<String> column(String head, List<String> values) {
    List<String> column = new ArrayList<>();
    column.add(head);
    column.addAll(values);
    return column;
  }

  private static void append(StringBuilder text, List<List<String>> columns) {
    int[] widths =
        columns.stream()
            .mapToInt(column -> column.stream().mapToInt(String::length).max().orElse(0))
            .toArray();
    for (int row = 0; row < columns.get(0).size(); row++) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < widths.length; c++) {
        String value = columns.get(c).get(row);
        line.append(value).append(" ".repeat(widths[c] - value.length() + 2));
      }
      text.append(line.toString().stripTrailing()).append(System.lineSeparator());
    }
  }

  private static String number(Estimate estimate) {
    return number(estimate.mean(), estimate.error());
  }

  private static String number(double value, double error) {
    // No "-0.0000" where a value is rounding alone.
    double shown = Math.abs(value) < 5e-5 ? 0 : value;
    return Double.isFinite(error)
        ? String.format(Locale.ROOT, "%.4f ± %.4f", shown, error)
        : String.format(Locale.ROOT, "%.4f", shown);
  }

  private static String plain(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
