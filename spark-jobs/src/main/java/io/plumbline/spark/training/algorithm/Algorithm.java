package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import io.plumbline.objective.Registry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a training command runs: everything that is said of one algorithm and not of its settings.
 * What is said of its settings stands in their record ({@link AlgorithmSettings}).
 */
public abstract class Algorithm {
  /**
   * What a command's help says of it.
   *
   * @param summary one line for the list of commands
   * @param description a paragraph
   * @param examples calls as a user would type them, without the program's name
   */
  public record Help(String summary, String description, List<String> examples) {}

  private static final Registry<?, ?> NO_NAMED_LOSSES = new Registry<>("loss type");

  private final String command;
  private final ExampleKind kind;
  private final Class<? extends Record> settings;
  private final Help help;
  private final List<Clause> verdict;

  /**
   * @param command its name
   * @param kind what its rows are
   * @param settings what it is set by that others are not
   * @param verdict what a report says first of held-out rows, the most telling measure first
   */
  protected <T extends Record & AlgorithmSettings> Algorithm(
      String command, ExampleKind kind, Class<T> settings, Help help, List<Clause> verdict) {
    this.command = command;
    this.kind = kind;
    this.settings = settings;
    this.help = help;
    this.verdict = verdict;
  }

  public final String command() {
    return command;
  }

  public final ExampleKind kind() {
    return kind;
  }

  public final Class<? extends Record> settings() {
    return settings;
  }

  public final Help help() {
    return help;
  }

  public final List<Clause> verdict() {
    return verdict;
  }

  /** The losses that {@code --loss-type} names; none where there is but one loss. */
  public Registry<?, ?> losses() {
    return NO_NAMED_LOSSES;
  }

  /** Whether several losses may be named, each with a weight. */
  public boolean mixesLosses() {
    return false;
  }

  /** Texts of options that have no standard value of their own, where they are not given. */
  public Map<String, String> standardOptions(GivenOptions given) {
    return Map.of();
  }

  /** The metric that chooses the best step where none is named. */
  public String measure() {
    return "eval_loss";
  }

  /** What the model is at the start: a head for scores is put on a {@link ModelUse#DECODER}. */
  public ModelUse modelUse() {
    return ModelUse.LANGUAGE_MODEL;
  }

  /** Whether it learns from completions that the policy writes while it trains. */
  public boolean rollsOut() {
    return false;
  }

  /** As a report's title has it. */
  public String title() {
    return command.toUpperCase(Locale.ROOT);
  }

  /** What metrics mean that mean something else for other algorithms, by their names. */
  public Map<String, String> meanings() {
    return Map.of();
  }

  /** What a run leaves for later stages of a pipeline: paths below its output, by their names. */
  public final Map<String, String> parts() {
    Map<String, String> parts = new LinkedHashMap<>();
    parts.put("checkpoint", "checkpoint");
    parts.put("metrics", "metrics.jsonl");
    if (rollsOut()) {
      parts.put("ledger", "ledger");
    }
    return parts;
  }
}
