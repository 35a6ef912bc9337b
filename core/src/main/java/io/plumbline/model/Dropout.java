package io.plumbline.model;

import io.plumbline.base.Sha256;
import io.plumbline.base.SplitMix64;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Dropout of what adapters read (PEFT's {@code lora_dropout}): of each place's input to each
 * module, elements are 0 at random, and the others grow so that the mean stays (Srivastava et al.,
 * "Dropout", 2014). Which ones follows from the seed, the draw, the row, the token and the module
 * alone: it is the same in every packing of rows, at every world size and when a layer is computed
 * again.
 *
 * @param rate the share of elements that are left out, from 0 to below 1
 */
record Dropout(double rate, long seed) {
  static final Dropout NONE = new Dropout(0, 0);

  boolean drops() {
    return rate > 0;
  }

  /**
   * What the kernels mix into every element of a place, [places].
   *
   * @param draw equal draws leave out the same
   */
  long[] keys(PackedRows packed, long draw) {
    long start = SplitMix64.mixAll(seed, draw);
    long[] keys = packed.identities().clone();
    for (int i = 0; i < keys.length; i++) {
      keys[i] = SplitMix64.mix(start ^ keys[i]);
    }
    return keys;
  }

  /**
   * What tells a place from others of a run, whatever rows it is packed with.
   *
   * @param row its index
   * @param completion -1 for the prompt
   * @param token its place in completion or prompt
   */
  static long identity(long row, int completion, int token) {
    return SplitMix64.mixAll(row, completion, token);
  }

  /** What tells a module from others of a model. */
  static long key(String module) {
    byte[] hash = Sha256.digest().digest(module.getBytes(StandardCharsets.UTF_8));
    return ByteBuffer.wrap(hash).getLong();
  }
}
