package io.plumbline.train;

/**
 * The loss of one step's batch. It holds what a method computes once from the whole batch, and adds
 * up micro-batches.
 *
 * @param <V> what the model says of a micro-batch
 * @param <G> the derivative of the loss by that
 */
public interface BatchLoss<V, G> {
  /**
   * Adds a micro-batch to the sums.
   *
   * @param rows of {@link TrainingMethod#learned} rows
   * @return the derivative of the sum of the rows' losses by {@code values}
   */
  G accumulate(MicroBatch rows, V values, Sums sums);
}
