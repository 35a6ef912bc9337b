package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.TensorSource;
import java.nio.FloatBuffer;
import java.util.function.Consumer;

/**
 * A tensor of a checkpoint that is written again, read piece by piece.
 *
 * @param stored its name in the directory
 */
record StoredTensor(String name, long[] shape, ModelDirectory directory, String stored)
    implements TensorSource {
  private static final int PIECE = 1 << 22;

  @Override
  public void values(Consumer<FloatBuffer> receiver) {
    long elements = elements();
    FloatBuffer piece = FloatBuffer.allocate((int) Math.min(PIECE, elements));
    for (long at = 0; at < elements; at += piece.limit()) {
      piece.clear();
      piece.limit((int) Math.min(piece.capacity(), elements - at));
      directory.read(stored, at, piece);
      receiver.accept(piece.flip());
    }
  }
}
