package io.plumbline.model;

import io.plumbline.tensor.Segment;
import java.util.List;
import java.util.function.Consumer;

/** A forward pass whose graph is kept until {@link #backward} or {@link #close}. */
public interface TrainingPass extends AutoCloseable {
  TokenLogps tokens();

  /**
   * Adds to every segment's gradients. {@code gradients} has the shape of {@code tokens().logps()}:
   * the derivative of the loss by each log-probability. Walks from the last segment to the first
   * and calls {@code onFinal} as soon as nothing in this pass will add to a segment any more.
   */
  void backward(List<List<float[]>> gradients, Consumer<Segment> onFinal);

  @Override
  void close();
}
