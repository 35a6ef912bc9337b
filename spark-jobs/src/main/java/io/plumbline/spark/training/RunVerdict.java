package io.plumbline.spark.training;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleFunction;

/** The sentences at the top of a run's report: what came of it, by its algorithm's own measure. */
final class RunVerdict {
  private final Map<String, Double> before;
  private final Map<String, Double> after;

  private RunVerdict(Map<String, Double> before, Map<String, Double> after) {
    this.before = before;
    this.after = after;
  }

  /**
   * What held-out data says of a run.
   *
   * @param before evaluation before the first update
   * @param after evaluation of the weights that were kept; empty where nothing was held out
   */
  static String of(Algorithm algorithm, Map<String, Double> before, Map<String, Double> after) {
    if (after.isEmpty()) {
      return "Nothing was held out, so nothing here says how the model does on rows that it was"
          + " not trained on.";
    }
    RunVerdict verdict = new RunVerdict(before, after);
    List<String> clauses =
        switch (algorithm) {
          case REWARD ->
              verdict.clauses(
                  new Clause(
                      "the share of pairs whose chosen side has the higher score",
                      "eval_accuracy",
                      RunVerdict::percent),
                  new Clause(
                      "the mean margin between the two scores", "eval_margin", RunVerdict::number));
          case DPO ->
              verdict.clauses(
                  new Clause(
                      "the share of pairs whose chosen side has the higher implicit reward",
                      "eval_rewards/accuracies",
                      RunVerdict::percent),
                  new Clause(
                      "the mean margin of the rewards",
                      "eval_rewards/margins",
                      RunVerdict::number));
          case KTO ->
              verdict.clauses(
                  new Clause(
                      "the margin between the mean rewards of good and bad completions",
                      "eval_rewards/margins",
                      RunVerdict::number),
                  new Clause("the loss", "eval_loss", RunVerdict::number));
          case ORPO, SIMPO ->
              verdict.clauses(
                  new Clause(
                      "the share of pairs whose chosen side the policy rewards more",
                      "eval_rewards/accuracies",
                      RunVerdict::percent),
                  new Clause("the loss", "eval_loss", RunVerdict::number));
          case GRPO, PPO ->
              verdict.clauses(
                  new Clause("the mean reward of a completion", "eval_reward", RunVerdict::number),
                  new Clause(
                      "the mean length of a completion, in tokens,",
                      "eval_completions/mean_length",
                      RunVerdict::number));
          case SFT ->
              verdict.clauses(
                  new Clause("the loss", "eval_loss", RunVerdict::number),
                  new Clause(
                      "the share of tokens that the model finds the most probable",
                      "eval_mean_token_accuracy",
                      RunVerdict::percent));
        };
    return clauses.isEmpty()
        ? "The evaluation of the held-out rows gave none of the usual measures."
        : "On held-out rows, " + String.join(", and ", clauses) + ".";
  }

  /**
   * How far a run came, and which step's weights it kept; empty where it simply did all its steps
   * and kept the last.
   *
   * @param best the step that was chosen by {@code metric}; negative where the last was taken
   * @param patience evaluations without a better value that end a run
   */
  static String ending(long steps, long planned, long best, String metric, int patience) {
    List<String> sentences = new ArrayList<>();
    if (steps < planned) {
      sentences.add(
          String.format(
              Locale.ROOT,
              "The run ended early, after step %,d of %,d, because %s had not got better in %s.",
              steps,
              planned,
              metric,
              patience == 1 ? "the last evaluation" : "the last " + patience + " evaluations"));
    }
    if (best >= 0 && best < steps) {
      sentences.add(
          String.format(
              Locale.ROOT,
              "The checkpoint holds step %,d, where %s was best, and not the last step, %,d.",
              best,
              metric,
              steps));
    } else if (best >= 0) {
      sentences.add(
          String.format(
              Locale.ROOT,
              "The checkpoint holds the last step, %,d, where %s was best too.",
              best,
              metric));
    }
    return String.join(" ", sentences);
  }

  private record Clause(String subject, String metric, DoubleFunction<String> format) {}

  private List<String> clauses(Clause... clauses) {
    List<String> said = new ArrayList<>();
    for (Clause clause : clauses) {
      if (after.containsKey(clause.metric())) {
        said.add(clause.subject() + " " + change(clause));
      }
    }
    return said;
  }

  private String change(Clause clause) {
    double was = before.getOrDefault(clause.metric(), Double.NaN);
    double is = after.get(clause.metric());
    if (!Double.isFinite(is)) {
      return "is not a finite number";
    }
    String now = clause.format().apply(is);
    if (!Double.isFinite(was)) {
      return "is " + now;
    }
    String then = clause.format().apply(was);
    if (then.equals(now)) {
      return "stayed at " + now;
    }
    return (is > was ? "rose from " : "fell from ") + then + " to " + now;
  }

  private static String percent(double share) {
    return number(100 * share) + " %";
  }

  private static String number(double value) {
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(3));
    // A rounding residue is not worth the eleven zeros in front of it.
    if (rounded.abs().compareTo(new BigDecimal("1e-6")) < 0) {
      return "0";
    }
    return rounded.stripTrailingZeros().toPlainString();
  }
}
