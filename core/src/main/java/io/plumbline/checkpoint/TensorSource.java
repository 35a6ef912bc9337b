package io.plumbline.checkpoint;

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
        receiver.accept(values.get());
      }
    };
  }

  /** A tensor of a model directory, read piece by piece. */
  static TensorSource of(ModelDirectory directory, ModelDirectory.TensorInfo tensor) {
    return new TensorSource() {
      private static final int PIECE = 1 << 20;

      @Override
      public String name() {
        return tensor.name();
      }

      @Override
      public long[] shape() {
        return tensor.shape().clone();
      }

      @Override
      public void values(Consumer<FloatBuffer> receiver) {
        long elements = elements();
        FloatBuffer piece = FloatBuffer.allocate((int) Math.min(PIECE, elements));
        for (long at = 0; at < elements; at += piece.limit()) {
          piece.clear();
          piece.limit((int) Math.min(piece.capacity(), elements - at));
          directory.read(tensor.name(), at, piece);
          receiver.accept(piece.flip());
        }
      }
    };
  }
}
