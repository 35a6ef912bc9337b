package io.plumbline.model;

import java.nio.FloatBuffer;

/** Finds numbers that are none. */
final class NotFinite {
  private static final int PIECE = 8192;

  private NotFinite() {}

  /**
   * The place of the first infinite or NaN value from position to limit; -1 where there is none.
   */
  static int first(FloatBuffer values) {
    FloatBuffer left = values.duplicate();
    float[] piece = new float[Math.min(PIECE, left.remaining())];
    int start = 0;
    while (left.hasRemaining()) {
      int n = Math.min(piece.length, left.remaining());
      left.get(piece, 0, n);
      if (!allFinite(piece, n)) {
        for (int i = 0; i < n; i++) {
          if (!Float.isFinite(piece[i])) {
            return start + i;
          }
        }
      }
      start += n;
    }
    return -1;
  }

  /** Zero times a finite number is zero; four sums, so that no addition waits for another. */
  private static boolean allFinite(float[] values, int n) {
    float a = 0;
    float b = 0;
    float c = 0;
    float d = 0;
    int i = 0;
    for (; i + 3 < n; i += 4) {
      a += values[i] * 0f;
      b += values[i + 1] * 0f;
      c += values[i + 2] * 0f;
      d += values[i + 3] * 0f;
    }
    for (; i < n; i++) {
      a += values[i] * 0f;
    }
    return a + b + c + d == 0;
  }
}
