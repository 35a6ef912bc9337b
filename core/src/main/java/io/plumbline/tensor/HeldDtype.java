package io.plumbline.tensor;

/** In which type the weights of a model are held that is not trained. */
public enum HeldDtype {
  F32,
  /** Rounded to the nearest, halves to even: off by at most 2^-9 of the value. */
  BF16,
  /**
   * Whole numbers from -127 to 127 with an f32 scale for each {@link #BLOCK} values of a row, the
   * greatest absolute value among them over 127: off by at most half a scale.
   */
  INT8;

  /** Values of a row that share a scale; the last ones of a row may be fewer. */
  public static final int BLOCK = 64;

  /** The bytes of a parameter, with its scales. */
  public long bytes(long... shape) {
    long elements = 1;
    for (long size : shape) {
      elements = Math.multiplyExact(elements, size);
    }
    return switch (this) {
      case F32 -> elements * Float.BYTES;
      case BF16 -> elements * Short.BYTES;
      case INT8 -> elements + shape[0] * blocks(shape[1]) * Float.BYTES;
    };
  }

  /** How many scales a row of so many values has. */
  static long blocks(long columns) {
    return (columns + BLOCK - 1) / BLOCK;
  }
}
