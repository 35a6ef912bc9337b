package io.plumbline.spark.report;

import io.plumbline.spark.evaluate.Evaluation;
import io.plumbline.statistics.Tilt;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** The page of an evaluation: policies side by side, their frontier, and what they wrote. */
public final class EvaluationReport {
  private EvaluationReport() {}

  /** Writes the page to a path of any Hadoop file system, replacing what is there. */
  public static void write(Storage storage, String path, Evaluation evaluation) {
    page(evaluation).write(storage, path);
  }

  static Page page(Evaluation evaluation) {
    return Page.titled(title(evaluation))
        .kind("Plumbline evaluation")
        .verdict(verdict(evaluation))
        .data(evaluation.toJson())
        .script(Page.resource(EvaluationReport.class, "evaluation.js"));
  }

  private static String title(Evaluation evaluation) {
    List<String> names = evaluation.policies().stream().map(Evaluation.Policy::name).toList();
    int last = names.size() - 1;
    return last == 0
        ? names.get(0)
        : String.join(", ", names.subList(0, last)) + " and " + names.get(last);
  }

  /** Which policy does best, by what was measured. */
  static String verdict(Evaluation evaluation) {
    List<String> sentences = new ArrayList<>();
    Comparator<Evaluation.Policy> byReward =
        Comparator.comparingDouble(
            policy -> policy.completions().orElseThrow().reward().orElseThrow().mean());
    Comparator<Evaluation.Policy> byAccuracy =
        Comparator.comparingDouble(
            policy -> policy.preferences().orElseThrow().metrics().accuracy());
    if (evaluation.prompts().filter(prompts -> !prompts.rewards().isEmpty()).isPresent()) {
      Evaluation.Policy best = evaluation.policies().stream().max(byReward).orElseThrow();
      Evaluation.Completions written = best.completions().orElseThrow();
      sentences.add(
          String.format(
              Locale.ROOT,
              "%s has %s mean reward%s: %s%s.",
              best.name(),
              evaluation.policies().size() > 1 ? "the highest" : "this",
              written.kl().map(kl -> " at a KL of " + two(kl.k1().mean()) + " nats").orElse(""),
              two(written.reward().orElseThrow().mean()),
              best.frontier().map(EvaluationReport::ofFrontier).orElse("")));
    }
    if (!evaluation.policies().isEmpty()
        && evaluation.policies().get(0).preferences().isPresent()) {
      Evaluation.Policy best = evaluation.policies().stream().max(byAccuracy).orElseThrow();
      sentences.add(
          String.format(
              Locale.ROOT,
              "%s prefers the chosen side of %.0f %% of the pairs%s.",
              best.name(),
              100 * best.preferences().orElseThrow().metrics().accuracy(),
              evaluation.policies().size() > 1 ? ", the most" : ""));
    }
    return String.join(" ", sentences);
  }

  private static String ofFrontier(Evaluation.Frontier frontier) {
    if (frontier.place().reach() == Tilt.Reach.BEYOND) {
      return ", more KL than the reference's completions can tell the frontier of";
    }
    return frontier
        .share()
        .map(
            share ->
                String.format(
                    Locale.ROOT,
                    ", %.0f %% of the way to the most that can be had there, %s",
                    100 * share.value(),
                    two(frontier.place().reward())))
        .orElse("");
  }

  private static String two(double value) {
    return String.format(Locale.ROOT, "%.2f", Math.abs(value) < 5e-3 ? 0 : value);
  }
}
