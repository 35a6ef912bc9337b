package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import java.util.List;
import java.util.Map;

/**
 * What an algorithm adds to the loop: how rows and what the model says of them become a loss, its
 * gradient and metrics. The loop divides by {@link #normalizer}, which counts over all ranks and
 * micro-batches, so the update depends on neither.
 *
 * @param <V> what the model says of a micro-batch
 * @param <G> the derivative of the loss by that
 */
public interface TrainingMethod<V, G> {
  /** Names of the sums that {@link #accumulate} fills. */
  List<String> sums();

  /** Names of the ranges of values that {@link #accumulate} covers. */
  default List<String> ranges() {
    return List.of();
  }

  /** Fails with BAD_DATA where a row is not what the method learns from. */
  void check(TokenizedRow row);

  /**
   * Numbers of a row that are known before any forward pass and that {@link #accumulate} needs as
   * sums over the step's whole batch, such as lengths. The same number of them for every row.
   */
  default double[] counts(TokenizedRow row) {
    return new double[0];
  }

  /**
   * How many numbers {@link #survey} gives for each row. Above 0, a forward pass over the whole
   * batch comes before the one that learns: for losses whose gradient of a row depends on the
   * others.
   */
  default int surveyWidth() {
    return 0;
  }

  /** The part of a row that the survey's pass runs over. */
  default TokenizedRow surveyed(TokenizedRow row) {
    return row;
  }

  /**
   * What the whole batch is to know of a row.
   *
   * @param rows a micro-batch of {@link #surveyed} rows
   * @param i the row's place in it
   */
  default double[] survey(List<TokenizedRow> rows, V values, int i) {
    throw new UnsupportedOperationException("a survey without what it asks");
  }

  /** The part of a row that the pass which learns runs over. */
  default TokenizedRow learned(TokenizedRow row) {
    return row;
  }

  /**
   * Adds a micro-batch to the sums.
   *
   * @param rows a micro-batch of {@link #learned} rows
   * @param batch what is known of the step's whole batch
   * @return the derivative of the sum of the rows' losses by {@code values}
   */
  G accumulate(List<TokenizedRow> rows, V values, WholeBatch batch, Sums sums);

  /** What the sum of losses and its gradient are divided by, from the sums over all ranks. */
  double normalizer(Sums sums);

  /** Metrics under TRL's names, from the sums over all ranks. */
  Map<String, Double> metrics(Sums sums);

  /** Metrics of held-out rows. */
  default Map<String, Double> evaluationMetrics(Sums sums) {
    return metrics(sums);
  }

  /**
   * Whether the policy has gone as far from where its rollouts came from as it may: then neither
   * this update is made nor any other on the same rollouts.
   */
  default boolean stopsUpdates(Sums sums) {
    return false;
  }

  /**
   * Checks what must hold before the first update that learns from new rows ({@link
   * StepFeed#begins}), and fails with NUMERICS if it does not.
   */
  default void checkBeforeFirstUpdate(Sums sums) {}
}
