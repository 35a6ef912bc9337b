package io.plumbline.model;

import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.Segment;
import java.util.List;

/**
 * All weights of a model in memory.
 *
 * @param segments in the order of the forward pass
 * @param source where they were read from
 * @param matrices the type in which matrices of layers are held, as {@link BaseStorage} says
 */
record WholeWeights(List<Segment> segments, WeightSource source, HeldDtype matrices)
    implements AutoCloseable {
  WholeWeights {
    segments = List.copyOf(segments);
  }

  @Override
  public void close() {
    segments.forEach(Segment::close);
  }
}
