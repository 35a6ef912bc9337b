package io.plumbline.model;

import io.plumbline.tensor.Segment;
import java.util.function.Consumer;

/**
 * A forward pass whose graph is kept until {@link #backward} or {@link #close}.
 *
 * @param <V> what the model says of the micro-batch
 * @param <G> the derivative of a loss by that
 */
public interface TrainingPass<V, G> extends AutoCloseable {
  V values();

  /**
   * Adds to every segment's gradients. Walks from the last segment to the first and calls {@code
   * onFinal} as soon as nothing in this pass will add to a segment any more.
   */
  void backward(G gradients, Consumer<Segment> onFinal);

  @Override
  void close();
}
