package io.plumbline.spark.cli.commands;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TextSettings;
import io.plumbline.spark.publish.ComparedMetric;
import io.plumbline.spark.publish.Decision;
import io.plumbline.spark.publish.PublishedModels;
import io.plumbline.spark.publish.Publishing;
import io.plumbline.storage.Storage;
import java.util.List;

/** {@code publish}: a better model becomes the published one. */
final class PublishCommand implements Command {
  private static final String FILES = "What to read and write";
  private static final String COMPARISON = "When a model is better";

  static final Setting<String> CANDIDATE =
      Setting.text(
          "candidate",
          "DIR",
          FILES,
          "Hugging Face directory of the new model, on any Hadoop path.");
  static final Setting<String> EVALUATION =
      Setting.text(
          "evaluation",
          "FILE",
          FILES,
          "The evaluation.json of an evaluate with --data held-out preferences, the candidate and"
              + " the last published model.");
  static final Setting<String> TO =
      Setting.text(
          "to",
          "FILE",
          FILES,
          "The file that names the published model, such as models/published.json. Versions are"
              + " kept in the directory of the same name without .json.");
  static final Setting<String> DECISION =
      Setting.text(
          "decision",
          "FILE",
          FILES,
          "Where the decision is written. Without it, decision.json beside the evaluation. A"
              + " decision that is there already stands.");
  static final Setting<ComparedMetric> METRIC =
      Setting.choice(
              "metric",
              COMPARISON,
              "Which number of the held-out preferences is compared.",
              ComparedMetric.class)
          .withInitial("accuracy");
  static final Setting<Double> MINIMUM_IMPROVEMENT =
      Setting.number(
              "minimum-improvement",
              COMPARISON,
              "By how much the new model must be better; with 0, by anything at all.",
              0,
              Double.POSITIVE_INFINITY)
          .withInitial("0");

  @Override
  public String name() {
    return "publish";
  }

  @Override
  public String summary() {
    return "Publishes a model if it beats the last published one on held-out preferences.";
  }

  @Override
  public String description() {
    return "Compares two models of one evaluation and, where the new one is better, makes it the"
        + " next version behind a small file that readers follow. The first model is published"
        + " without a comparison. The model's files stay where they are. Safe to run twice and to"
        + " run beside another: a decision is made once, and of two publishers at the same time one"
        + " is told to evaluate again. Exit status 0 also where the last model stays.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "publish --candidate runs/dpo-2/checkpoint --evaluation runs/dpo-2/evaluation/evaluation.json"
            + " --to models/published.json",
        "publish --candidate s3a://runs/7/checkpoint --evaluation s3a://runs/7/evaluation/evaluation.json"
            + " --to s3a://models/published.json --minimum-improvement 0.01");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        CANDIDATE,
        EVALUATION,
        TO,
        DECISION,
        METRIC,
        MINIMUM_IMPROVEMENT,
        TextSettings.JSON.withHelp("The decision as one JSON object on standard output."),
        SparkSessions.MASTER);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String candidate =
        values.require(CANDIDATE, "name the directory of the new model").orElse("candidate");
    String evaluation =
        values.require(EVALUATION, "name the evaluation.json").orElse("evaluation.json");
    String to = values.require(TO, "name the file that readers follow").orElse("published.json");
    if (!PublishedModels.isPointerName(to)) {
      problems.add("--to is " + to + " and must be the name of a file that ends with .json.");
    }
    Publishing publishing =
        new Publishing(
            candidate,
            evaluation,
            to,
            values.find(DECISION).orElseGet(() -> beside(evaluation)),
            values.of(METRIC),
            values.of(MINIMUM_IMPROVEMENT));
    boolean json = values.of(TextSettings.JSON);
    SparkSessions.check(values, 1, problems);
    return console -> {
      // Needs no cluster, but the file systems and credentials that Spark was given; and a
      // cluster that runs drivers gives up one without a session.
      try (SparkSessions.Session session = SparkSessions.open(values, 1)) {
        Storage storage = session.storage();
        Decision decision = publishing.run(storage);
        console
            .out()
            .println(
                json
                    ? decision.json().toString()
                    : String.format(
                        "%s%n%s version %d of %s: %s",
                        decision.reason(),
                        decision.published() ? "published" : "kept",
                        decision.version(),
                        to,
                        decision.model()));
      }
    };
  }

  private static String beside(String evaluation) {
    int slash = evaluation.lastIndexOf('/');
    return slash < 0
        ? "decision.json"
        : Storage.join(evaluation.substring(0, slash + 1), "decision.json");
  }
}
