package io.plumbline.spark.training;

import io.plumbline.spark.training.algorithm.Algorithm;
import io.plumbline.spark.training.algorithm.Clause;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

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
    List<String> clauses = verdict.clauses(algorithm.verdict());
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

  private List<String> clauses(List<Clause> clauses) {
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
    String now = text(clause, is);
    if (!Double.isFinite(was)) {
      return "is " + now;
    }
    String then = text(clause, was);
    if (then.equals(now)) {
      return "stayed at " + now;
    }
    return (is > was ? "rose from " : "fell from ") + then + " to " + now;
  }

  private static String text(Clause clause, double value) {
    return switch (clause.unit()) {
      case NUMBER -> number(value);
      case PERCENT -> number(100 * value) + " %";
    };
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
