package io.plumbline.model.architecture;

import java.util.List;

/**
 * How rotary frequencies are stretched for contexts longer than the pre-training's, as in
 * transformers' modeling_rope_utils.
 */
public sealed interface RopeScaling {
  /**
   * Frequencies in radians a position, {@code dims / 2} of them.
   *
   * @param theta base of the unstretched frequencies
   * @param dims elements of a head that are rotated
   */
  float[] inverseFrequencies(float theta, int dims);

  /** The longest sequence that {@link #inverseFrequencies} is for; at most this for any. */
  default int originalPositions() {
    return Integer.MAX_VALUE;
  }

  /** {@link #inverseFrequencies} of sequences beyond {@link #originalPositions}. */
  default float[] longFrequencies(float theta, int dims) {
    return inverseFrequencies(theta, dims);
  }

  /** What multiplies cos and sin of the angles. */
  default double magnitude() {
    return 1;
  }

  private static float[] plain(float theta, int dims) {
    float[] out = new float[dims / 2];
    for (int i = 0; i < out.length; i++) {
      out[i] = 1.0f / period(theta, dims, i);
    }
    return out;
  }

  /** Positions in which the i-th pair of elements turns by one radian. */
  private static float period(float theta, int dims, int i) {
    float exponent = (float) (2 * i) / dims;
    return (float) Math.pow(theta, exponent);
  }

  /** Not at all. */
  record None() implements RopeScaling {
    @Override
    public float[] inverseFrequencies(float theta, int dims) {
      return plain(theta, dims);
    }
  }

  /** No positions: no frequency turns. */
  record NoPositions() implements RopeScaling {
    @Override
    public float[] inverseFrequencies(float theta, int dims) {
      return new float[dims / 2];
    }
  }

  /** Every frequency divided by the factor. */
  record Linear(double factor) implements RopeScaling {
    @Override
    public float[] inverseFrequencies(float theta, int dims) {
      float[] out = plain(theta, dims);
      for (int i = 0; i < out.length; i++) {
        out[i] /= (float) factor;
      }
      return out;
    }
  }

  /** Llama 3.1's: low frequencies divided by the factor, high ones kept, smooth in between. */
  record Llama3(
      double factor, double lowFreqFactor, double highFreqFactor, double originalMaxPositions)
      implements RopeScaling {
    @Override
    public float[] inverseFrequencies(float theta, int dims) {
      float[] out = plain(theta, dims);
      for (int i = 0; i < out.length; i++) {
        out[i] = scaled(out[i]);
      }
      return out;
    }

    private float scaled(float frequency) {
      double wavelength = 2 * Math.PI / frequency;
      if (wavelength > originalMaxPositions / lowFreqFactor) {
        return frequency / (float) factor;
      }
      if (wavelength < originalMaxPositions / highFreqFactor) {
        return frequency;
      }
      double smooth =
          (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
      return (float) ((1 - smooth) * frequency / factor + smooth * frequency);
    }
  }

  /**
   * YaRN (Peng et al. 2023): low frequencies divided by the factor, high ones kept, a ramp between.
   *
   * @param low the pair of elements where the ramp begins
   * @param high the pair of elements where it ends
   * @param magnitude what multiplies cos and sin
   */
  record Yarn(double factor, double low, double high, double magnitude) implements RopeScaling {
    @Override
    public float[] inverseFrequencies(float theta, int dims) {
      float[] out = new float[dims / 2];
      float end = (float) (low == high ? high + 0.001 : high);
      for (int i = 0; i < out.length; i++) {
        float period = period(theta, dims, i);
        float ramp = Math.min(1, Math.max(0, (i - (float) low) / (end - (float) low)));
        float kept = 1 - ramp;
        out[i] = 1.0f / ((float) factor * period) * (1 - kept) + 1.0f / period * kept;
      }
      return out;
    }
  }

  /**
   * LongRoPE (Ding et al. 2024): every frequency divided by a factor of its own, which is another
   * one in sequences beyond the original context.
   *
   * @param shortFactors one a pair of elements
   * @param longFactors one a pair of elements
   * @param magnitude what multiplies cos and sin
   */
  record LongRope(
      List<Double> shortFactors, List<Double> longFactors, int originalPositions, double magnitude)
      implements RopeScaling {
    public LongRope {
      shortFactors = List.copyOf(shortFactors);
      longFactors = List.copyOf(longFactors);
    }

    @Override
    public float[] inverseFrequencies(float theta, int dims) {
      return divided(shortFactors, theta, dims);
    }

    @Override
    public float[] longFrequencies(float theta, int dims) {
      return divided(longFactors, theta, dims);
    }

    private static float[] divided(List<Double> factors, float theta, int dims) {
      float[] out = new float[dims / 2];
      for (int i = 0; i < out.length; i++) {
        out[i] = 1.0f / (factors.get(i).floatValue() * period(theta, dims, i));
      }
      return out;
    }
  }
}
