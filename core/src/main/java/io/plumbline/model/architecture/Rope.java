package io.plumbline.model.architecture;

/**
 * Rotary positions (Su et al. 2021).
 *
 * @param theta base of the frequencies
 * @param dims elements of a head that are rotated, the first ones; even
 */
public record Rope(double theta, RopeScaling scaling, int dims) {
  /** No rotation: frequencies of 0. */
  static Rope none(int dims) {
    return new Rope(1, new RopeScaling.NoPositions(), dims);
  }

  /**
   * Frequencies in radians a position, {@code dims / 2} of them, rounded where transformers rounds
   * (f32 at each operation).
   */
  public float[] inverseFrequencies() {
    return scaling.inverseFrequencies((float) theta, dims);
  }

  /** Those of sequences that are longer than the scaling's original context. */
  public float[] longFrequencies() {
    return scaling.longFrequencies((float) theta, dims);
  }
}
