package io.plumbline.train;

import io.plumbline.data.TokenizedRow;
import java.util.List;
import java.util.Map;

/**
 * What an algorithm adds to the loop: how a step's batch and what the model says of it become a
 * loss, its gradient and metrics. The loop divides by {@link #normalizer}, which counts over all
 * ranks and micro-batches, so the update depends on neither.
 *
 * @param <P> columns of the batch, which stand beside its rows
 * @param <V> what the model says of a micro-batch
 * @param <G> the derivative of the loss by that
 */
public interface TrainingMethod<P, V, G> {
  /** Names of the sums that {@link BatchLoss#accumulate} fills. */
  List<String> sums();

  /** Names of the ranges of values that {@link BatchLoss#accumulate} covers. */
  default List<String> ranges() {
    return List.of();
  }

  /** Fails with BAD_DATA where a row is not what the method learns from. */
  void check(TokenizedRow row);

  /** How many numbers {@link #counts} gives for each row. */
  default int countWidth() {
    return 0;
  }

  /**
   * Numbers of a row that are known before any forward pass and that the loss needs as sums over
   * the step's whole batch, such as lengths.
   */
  default double[] counts(StepBatch<P> batch, int slot) {
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

  /** Whether a critic is asked about a row, where the model has one. */
  default boolean isValued(P columns, int slot) {
    return true;
  }

  /** The loss of a step, whose whole batch is known by now. */
  BatchLoss<V, G> loss(WholeBatch<P> batch);

  /** What the sum of losses and its gradient are divided by, from the sums over all ranks. */
  double normalizer(P columns, Sums sums);

  /** Metrics under TRL's names, from the sums over all ranks. */
  Map<String, Double> metrics(P columns, Sums sums);

  /** Metrics of held-out rows. */
  default Map<String, Double> evaluationMetrics(P columns, Sums sums) {
    return metrics(columns, sums);
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
