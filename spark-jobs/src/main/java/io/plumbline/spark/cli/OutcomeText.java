package io.plumbline.spark.cli;

import io.plumbline.spark.training.TrainingOutcome;
import java.util.Locale;
import java.util.Map;

/** What a training job left behind, for people. */
final class OutcomeText {
  private static final Map<String, String> WORDS =
      Map.of(
          "eval_loss", "loss",
          "eval_rewards/accuracies", "reward accuracy",
          "eval_rewards/margins", "reward margin",
          "eval_mean_token_accuracy", "token accuracy");

  private OutcomeText() {}

  static String of(TrainingOutcome outcome) {
    StringBuilder text = new StringBuilder();
    text.append(outcome.steps()).append(" steps done.\n");
    String changes = changes(outcome);
    if (!changes.isEmpty()) {
      text.append("Held-out rows, before and after\n").append(changes);
    }
    text.append(paths(outcome));
    return text.toString();
  }

  /** A line for each evaluation metric that is known by a plain word: before and after. */
  static String changes(TrainingOutcome outcome) {
    StringBuilder text = new StringBuilder();
    for (String metric :
        new String[] {
          "eval_loss", "eval_rewards/accuracies", "eval_rewards/margins", "eval_mean_token_accuracy"
        }) {
      Double before = outcome.before().get(metric);
      Double after = outcome.after().get(metric);
      if (before != null && after != null) {
        text.append(
            String.format(
                Locale.ROOT, "  %-16s %9.4f -> %9.4f%n", WORDS.get(metric), before, after));
      }
    }
    return text.toString();
  }

  static String paths(TrainingOutcome outcome) {
    return String.format(
        Locale.ROOT,
        "  checkpoint  %s%n  metrics     %s%n  report      %s%n  run record  %s%n",
        outcome.checkpoint(),
        outcome.metrics(),
        outcome.report(),
        outcome.runRecord());
  }
}
