package io.plumbline.tensor;

import ai.djl.pytorch.engine.PtNDArray;
import io.plumbline.base.Floats;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/** How Java sees the memory of flat tensors that one buffer cannot hold. */
final class Windows {
  /** The most floats that a direct buffer holds. */
  static final int MOST_FLOATS = Integer.MAX_VALUE / Float.BYTES;

  /**
   * The most floats of one window. Tests lower it, so that small models take the path of large
   * ones.
   */
  private static volatile int floats = MOST_FLOATS;

  private Windows() {}

  /**
   * Views of the memory of a flat f32 tensor in the host.
   *
   * @param length how many elements the tensor has
   */
  static Floats of(Value flat, long length) {
    int most = floats;
    List<FloatBuffer> windows = new ArrayList<>();
    try (Scope scope = Scope.open()) {
      for (long start = 0; start < length; start += most) {
        Value part =
            Transfers.view(scope, flat, start, new long[] {Math.min(most, length - start)});
        try (PtNDArray array = part.tensor()) {
          windows.add(Value.memory(array).asFloatBuffer());
        }
      }
    }
    return Floats.of(windows);
  }

  /** Sets how many floats a window of tensors has that are made from now on. */
  static void limit(int most) {
    floats = most;
  }
}
