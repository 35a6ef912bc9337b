package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.tensor.Segment;
import java.util.List;

/** A decoder language model with its weights in memory. */
public final class CausalLm implements AutoCloseable {
  /** In which type the kernels multiply. Masters, gradients and edges are f32 either way. */
  public enum ComputeDtype {
    F32,
    BF16
  }

  /** What a loaded model is for. */
  public enum Purpose {
    /** Forward passes only; safe to use from several threads at once. */
    INFERENCE,
    /** Has gradients too; one thread at a time. */
    TRAINING
  }

  private CausalLm() {}

  public static CausalLm load(ModelDirectory directory, Purpose purpose, ComputeDtype dtype) {
    throw new UnsupportedOperationException();
  }

  /** Weights in the order of the forward pass: embedding, each layer, final norm with head. */
  public List<Segment> segments() {
    throw new UnsupportedOperationException();
  }

  /**
   * Log-probabilities of the completion tokens that count, without a graph. One micro-batch: the
   * caller chooses how many rows fit.
   */
  public TokenLogps logps(List<TokenizedRow> rows) {
    throw new UnsupportedOperationException();
  }

  /** The same with a graph kept for {@link TrainingPass#backward}. */
  public TrainingPass forward(List<TokenizedRow> rows) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
