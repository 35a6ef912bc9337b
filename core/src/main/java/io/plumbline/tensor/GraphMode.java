package io.plumbline.tensor;

/** What PyTorch records while a kernel runs. */
public enum GraphMode {
  /** Nothing, and the results can never enter a graph: the cheapest way to run forward only. */
  INFERENCE,
  /** Nothing, but the results may enter a graph later. */
  NO_GRAPH,
  /** The graph from inputs that require gradients to the results. */
  GRAPH
}
