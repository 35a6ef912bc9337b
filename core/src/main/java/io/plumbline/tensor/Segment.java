package io.plumbline.tensor;

import java.nio.FloatBuffer;
import java.util.List;

/**
 * A run of parameters that belong together (the embedding, a layer, the head), in one flat f32
 * buffer of values and, for training, one of gradients: what the all-reduce and the optimizer work
 * on.
 */
public interface Segment {
  /** A parameter's place in its segment. */
  record Slice(String name, long[] shape, long offset, long length) {}

  String name();

  /** In buffer order, without gaps. */
  List<Slice> slices();

  long length();

  /** A live view of the values' own memory, native order. */
  FloatBuffer values();

  /** A live view of the gradients' own memory, native order; fails for inference models. */
  FloatBuffer gradients();
}
