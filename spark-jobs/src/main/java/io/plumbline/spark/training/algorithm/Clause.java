package io.plumbline.spark.training.algorithm;

/**
 * A part of the sentence that says what came of a run: how a measure of held-out rows has changed.
 *
 * @param subject what the measure is, for a sentence
 * @param metric its name
 */
public record Clause(String subject, String metric, Unit unit) {
  /** How a value is written. */
  public enum Unit {
    NUMBER,
    PERCENT
  }

  static final Clause LOSS = number("the loss", "eval_loss");

  static Clause number(String subject, String metric) {
    return new Clause(subject, metric, Unit.NUMBER);
  }

  static Clause percent(String subject, String metric) {
    return new Clause(subject, metric, Unit.PERCENT);
  }
}
