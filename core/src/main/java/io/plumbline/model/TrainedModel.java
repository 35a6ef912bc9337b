package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.tensor.Segment;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * A model as the training loop sees it: weights in segments, and a function of rows.
 *
 * @param <V> what it says of a micro-batch: log-probabilities, or scores
 * @param <G> the derivative of a loss by that
 */
public interface TrainedModel<V, G> {
  /** Weights in the order of the forward pass. */
  List<Segment> segments();

  /** In which type its kernels multiply. */
  ComputeDtype computeDtype();

  /** Whether passes with a graph leave elements out at random; those without never do. */
  boolean hasDropout();

  /**
   * Begins a draw: what the next passes with a graph leave out follows from it, and from the rows.
   *
   * @param draw equal draws leave out the same
   */
  void begin(long draw);

  /** One micro-batch without a graph. */
  V infer(List<TokenizedRow> rows);

  /** One micro-batch with a graph kept for {@link TrainingPass#backward}. */
  TrainingPass<V, G> forward(List<TokenizedRow> rows, ActivationMemory memory);

  /**
   * One micro-batch with a graph, in which a critic is asked about some rows only.
   *
   * @param valued by place in the micro-batch; a model without a critic need not know
   */
  default TrainingPass<V, G> forward(
      List<TokenizedRow> rows, IntPredicate valued, ActivationMemory memory) {
    return forward(rows, memory);
  }
}
