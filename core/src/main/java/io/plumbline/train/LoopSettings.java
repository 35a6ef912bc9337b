package io.plumbline.train;

import io.plumbline.model.ActivationMemory;
import io.plumbline.optim.OptimizerSettings;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.settings.PartlyUsed;
import java.io.Serializable;
import java.util.OptionalInt;
import java.util.Set;

/**
 * How the loop runs.
 *
 * @param microBatchSize rows in one forward pass, if fixed
 * @param microBatchTokens token budget of a forward pass otherwise
 * @param evalSteps evaluates every so many steps; 0 for only before the first and after the last
 * @param saveSteps writes training state every so many steps; 0 for only after the last
 * @param keepCheckpoints how many training states stay; 0 for all
 * @param badSteps what follows a loss or gradient that is not finite
 * @param selection which evaluation's weights are the result
 * @param activations what is kept of a forward pass for its backward pass
 */
public record LoopSettings(
    OptimizerSettings optimizer,
    OptionalMicroBatchSize microBatchSize,
    int microBatchTokens,
    long evalSteps,
    long saveSteps,
    int keepCheckpoints,
    BadSteps badSteps,
    Selection selection,
    ActivationMemory activations)
    implements Serializable {

  /** What follows a step whose loss or gradient is not finite. No weight has changed by then. */
  public enum BadSteps {
    /** Ends the run. */
    STOP,
    /** Leaves the step out and continues with the next. */
    SKIP
  }

  /**
   * Which evaluation's weights are the result, and when no more are tried.
   *
   * @param metric of the evaluation, with its {@code eval_}; empty to take the last weights
   * @param better which of two values is better
   * @param patience ends the run after so many evaluations in a row that are not better than the
   *     best; 0 to never end it early
   * @param threshold by how much a value must be better to count as better
   */
  @Heading("Evaluation, checkpoints and starting again")
  public record Selection(
      @Option(
              name = "metric-for-best-model",
              label = "NAME",
              help =
                  "checkpoint/ gets the weights of the evaluation that was best by this metric, such"
                      + " as eval_loss. Without it, the last weights.",
              decidesNothing = "which weights are the result")
          String metric,
      @Option(
              name = "best-is",
              help =
                  "Which values of that metric are better; by default lower for losses, errors and"
                      + " scores of error, higher for others. (TRL: greater_is_better.)",
              absent = "lower",
              decidesNothing = "which weights are the result")
          Better better,
      @Option(
              name = "early-stopping-patience",
              help =
                  "Ends the run after N evaluations in a row that are not better than the best; of"
                      + " eval_loss, if no metric is named.",
              min = 1,
              absent = "0",
              decidesNothing = "when no more updates follow")
          int patience,
      @Option(
              name = "early-stopping-threshold",
              help = "By how much an evaluation must be better to count as better.",
              standard = "0",
              min = 0,
              decidesNothing = "when no more updates follow")
          double threshold)
      implements PartlyUsed, Serializable {
    /** Takes the last weights. */
    public static final Selection LAST = new Selection("", Better.LOWER, 0, 0);

    /** Which of two values of a metric is better. */
    public enum Better {
      LOWER,
      HIGHER
    }

    @Override
    public Set<String> unused() {
      return isByMetric() ? Set.of() : Set.of("best-is", "early-stopping-threshold");
    }

    boolean isByMetric() {
      return !metric.isEmpty();
    }

    boolean improves(double value, double best) {
      return better == Better.LOWER ? value < best - threshold : value > best + threshold;
    }
  }

  /** An optional number that can travel to executors. */
  public record OptionalMicroBatchSize(int orZero) implements Serializable {
    public static OptionalMicroBatchSize of(OptionalInt size) {
      return new OptionalMicroBatchSize(size.orElse(0));
    }

    OptionalInt size() {
      return orZero == 0 ? OptionalInt.empty() : OptionalInt.of(orZero);
    }
  }
}
