package io.plumbline.spark.cli.commands;

import io.plumbline.spark.report.ReportData.Rollout;
import io.plumbline.spark.report.ReportData.RolloutGroup;
import io.plumbline.spark.training.TrainingOutcome;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a training job left behind, for people. */
final class OutcomeText {
  /** In the order in which they are shown. */
  private static final Map<String, String> WORDS = new LinkedHashMap<>();

  static {
    WORDS.put("eval_rewards/accuracies", "accuracy of the implicit reward");
    WORDS.put("eval_rewards/margins", "margin of the implicit reward");
    WORDS.put("eval_prefers_chosen", "chosen likelier a token");
    WORDS.put("eval_accuracy", "accuracy of the scores");
    WORDS.put("eval_margin", "margin of the scores");
    WORDS.put("eval_brier_score", "Brier score");
    WORDS.put("eval_calibration_error", "calibration error");
    WORDS.put("eval_reward", "reward");
    WORDS.put("eval_objective/kl", "KL from the reference, a text");
    WORDS.put("eval_completions/mean_length", "tokens of a completion");
    WORDS.put("eval_loss", "loss");
    WORDS.put("eval_nll_loss", "loss of the chosen side's tokens");
    WORDS.put("eval_kl", "KL from the reference");
    WORDS.put("eval_mean_token_accuracy", "token accuracy");
  }

  private static final int LONGEST_LINE = 100;

  private OutcomeText() {}

  static String of(TrainingOutcome outcome) {
    StringBuilder text = new StringBuilder();
    text.append(ending(outcome));
    String changes = changes(outcome);
    if (!changes.isEmpty()) {
      text.append("Held-out rows, before and after\n").append(changes);
    }
    text.append(rollouts(outcome));
    text.append(paths(outcome));
    return text.toString();
  }

  private static String ending(TrainingOutcome outcome) {
    StringBuilder text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "%,d steps done", outcome.steps().done()));
    if (outcome.steps().endedEarly()) {
      text.append(
          String.format(
              Locale.ROOT,
              " of %,d: the run ended early, because %s got no better",
              outcome.steps().planned(),
              outcome.steps().selectedBy()));
    }
    text.append(".\n");
    outcome
        .steps()
        .best()
        .ifPresent(
            step ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "The checkpoint holds step %,d, the best by %s.%n",
                        step,
                        outcome.steps().selectedBy())));
    return text.toString();
  }

  /** A line for each evaluation metric that is known by a plain word: before and after. */
  static String changes(TrainingOutcome outcome) {
    StringBuilder text = new StringBuilder();
    for (String metric : WORDS.keySet()) {
      Double before = outcome.before().get(metric);
      Double after = outcome.after().get(metric);
      if (before != null && after != null) {
        text.append(
            String.format(
                Locale.ROOT, "  %-32s %9.4f -> %9.4f%n", WORDS.get(metric), before, after));
      }
    }
    return text.toString();
  }

  /** Some prompts of the last phase, with the best completion of each and the worst. */
  private static String rollouts(TrainingOutcome outcome) {
    if (outcome.rollouts().isEmpty()) {
      return "";
    }
    StringBuilder text = new StringBuilder("Rollouts of the last phase, best and worst\n");
    for (RolloutGroup group :
        outcome.rollouts().subList(0, Math.min(3, outcome.rollouts().size()))) {
      text.append("  ").append(oneLine(group.prompt(), LONGEST_LINE)).append('\n');
      List<Rollout> shown = group.completions();
      text.append(rollout(shown.get(0)));
      if (shown.size() > 1) {
        text.append(rollout(shown.get(shown.size() - 1)));
      }
    }
    return text.toString();
  }

  private static String rollout(Rollout rollout) {
    return String.format(
        Locale.ROOT, "    %9.4f  %s%n", rollout.reward(), oneLine(rollout.text(), LONGEST_LINE));
  }

  /** A text as one line of at most so many characters. */
  static String oneLine(String text, int longest) {
    String line = text.strip().replaceAll("\\s+", " ");
    return line.length() <= longest ? line : line.substring(0, longest - 1) + "…";
  }

  static String paths(TrainingOutcome outcome) {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "  checkpoint  %s%n  metrics     %s%n  report      %s%n  run record  %s%n",
            outcome.files().checkpoint(),
            outcome.files().metrics(),
            outcome.files().report(),
            outcome.files().runRecord()));
    outcome
        .files()
        .ledger()
        .ifPresent(ledger -> text.append(String.format("  ledger      %s%n", ledger)));
    return text.toString();
  }
}
