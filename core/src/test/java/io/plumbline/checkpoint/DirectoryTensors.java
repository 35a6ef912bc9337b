package io.plumbline.checkpoint;

import java.nio.FloatBuffer;
import java.util.function.Consumer;

/** The tensors of a model directory, to be written again. */
public final class DirectoryTensors {
  private DirectoryTensors() {}

  /** A tensor of a model directory, read piece by piece. */
  public static TensorSource of(ModelDirectory directory, ModelDirectory.TensorInfo tensor) {
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
