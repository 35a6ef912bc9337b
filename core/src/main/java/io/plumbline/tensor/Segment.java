package io.plumbline.tensor;

import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A run of parameters that belong together (the embedding, a layer, the head): one flat f32 tensor
 * of values and, for training, one of gradients. What the all-reduce and the optimizer work on.
 */
public final class Segment implements AutoCloseable {
  /** A parameter's place in its segment. */
  public record Slice(String name, long[] shape, long offset, long length) {}

  /** Whether a segment has room for gradients. */
  public enum Gradients {
    NONE,
    PRESENT
  }

  private static final String RESOURCE = "flat.ts";

  private final String name;
  private final List<Slice> slices;
  private final long length;
  private final Scope scope = Scope.open();
  private final Value values;
  private final Value gradients;
  private final FloatBuffer valuesMemory;
  private final FloatBuffer gradientsMemory;

  private Segment(String name, List<Slice> slices, long length, Gradients kind) {
    this.name = name;
    this.slices = slices;
    this.length = length;
    if (length * Float.BYTES > Integer.MAX_VALUE) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT,
          "the parameters of "
              + name
              + " take "
              + length * Float.BYTES
              + " bytes in f32, more than the 2 GiB that one segment can hold; use a model with a"
              + " smaller vocabulary or hidden size");
    }
    try (PtNDArray array = Value.zeros(DataType.FLOAT32, length)) {
      values = scope.own(new Value(IValue.from(array)));
      valuesMemory = Value.memory(array).asFloatBuffer();
    }
    if (kind == Gradients.PRESENT) {
      try (PtNDArray array = Value.zeros(DataType.FLOAT32, length)) {
        gradients = scope.own(new Value(IValue.from(array)));
        gradientsMemory = Value.memory(array).asFloatBuffer();
      }
    } else {
      gradients = null;
      gradientsMemory = null;
    }
  }

  /** A segment of zeros with the given parameters in this order. */
  public static Segment allocate(
      String name, List<String> parameters, List<long[]> shapes, Gradients gradients) {
    List<Slice> slices = new ArrayList<>();
    long offset = 0;
    for (int i = 0; i < parameters.size(); i++) {
      long n = 1;
      for (long s : shapes.get(i)) {
        n = Math.multiplyExact(n, s);
      }
      slices.add(new Slice(parameters.get(i), shapes.get(i).clone(), offset, n));
      offset = Math.addExact(offset, n);
    }
    return new Segment(name, List.copyOf(slices), offset, gradients);
  }

  public String name() {
    return name;
  }

  /** In buffer order, without gaps. */
  public List<Slice> slices() {
    return slices;
  }

  public long length() {
    return length;
  }

  /** A live view of the values' own memory, native order. */
  public FloatBuffer values() {
    return valuesMemory.duplicate();
  }

  /** A live view of the gradients' own memory, native order; fails for inference models. */
  public FloatBuffer gradients() {
    if (gradientsMemory == null) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          name + " has no gradients because its model was loaded for inference");
    }
    return gradientsMemory.duplicate();
  }

  /**
   * A tensor that shares the values' memory, over slices that lie side by side. It requires
   * gradients where the segment has room for them.
   */
  public Value view(long offset, long... shape) {
    return view(values, offset, shape, gradients != null);
  }

  /** A tensor that shares the gradients' memory. */
  public Value gradientView(long offset, long... shape) {
    return view(gradients, offset, shape, false);
  }

  private Value view(Value flat, long offset, long[] shape, boolean leaf) {
    return Kernels.load(Segment.class, RESOURCE, Map.of())
        .call(scope, GraphMode.NO_GRAPH, "view_of", flat, offset, shape, leaf);
  }

  /** Lists of views live as long as the segment. */
  public Value list(Value... views) {
    return scope.list(views);
  }

  /** Frees the memory; buffers that were handed out must not be touched after this. */
  @Override
  public void close() {
    scope.close();
  }

  @Override
  public String toString() {
    return name;
  }
}
