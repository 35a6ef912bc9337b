package io.plumbline.checkpoint;

import io.plumbline.base.Floats;
import java.nio.FloatBuffer;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** A tensor to be written: its values are asked for when its turn comes, and not kept. */
public interface TensorSource {
  String name();

  long[] shape();

  /**
   * Hands over all values, row-major, in one or more buffers from position to limit; the receiver
   * does not keep a buffer.
   */
  void values(Consumer<FloatBuffer> receiver);

  /** How many values the shape takes. */
  default long elements() {
    long n = 1;
    for (long size : shape()) {
      n = Math.multiplyExact(n, size);
    }
    return n;
  }

  /** A tensor whose values fit into one buffer. */
  static TensorSource of(String name, long[] shape, Supplier<FloatBuffer> values) {
    return inPieces(name, shape, () -> Floats.of(values.get()));
  }

  /** A tensor of any size. */
  static TensorSource inPieces(String name, long[] shape, Supplier<Floats> values) {
    return new TensorSource() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public long[] shape() {
        return shape.clone();
      }

      @Override
      public void values(Consumer<FloatBuffer> receiver) {
        values.get().buffers().forEach(receiver);
      }
    };
  }
}
