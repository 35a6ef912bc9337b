package io.plumbline.checkpoint;

import java.io.Serializable;

/**
 * How weights are written.
 *
 * @param dtype F32, F16 or BF16; values are rounded to the nearest, ties to even
 * @param maxShardSize the most that one weight file takes
 */
public record WeightFormat(Dtype dtype, ShardSize maxShardSize) implements Serializable {
  /** In f32, and in files as large as transformers 4 writes them. */
  public static final WeightFormat F32 = of(Dtype.F32);

  public WeightFormat {
    dtype.torchName(); // Fails for what weights cannot be.
  }

  /** In files as large as transformers 4 writes them. */
  public static WeightFormat of(Dtype dtype) {
    return new WeightFormat(dtype, ShardSize.STANDARD);
  }
}
