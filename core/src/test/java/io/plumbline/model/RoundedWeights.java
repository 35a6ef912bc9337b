package io.plumbline.model;

import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.tensor.HeldDtype;
import java.nio.FloatBuffer;
import java.util.Set;

/**
 * Weights whose file holds in f32 what a frozen model makes of other ones: matrices of layers in
 * bf16 or int8, embedding and head in bf16.
 */
record RoundedWeights(WeightSource exact, DecoderConfig config, HeldDtype held)
    implements WeightSource {
  @Override
  public String description() {
    return exact.description();
  }

  @Override
  public Set<String> names() {
    return exact.names();
  }

  @Override
  public long[] shape(String name) {
    return exact.shape(name);
  }

  @Override
  public void read(String name, long from, FloatBuffer target) {
    long[] shape = shape(name);
    int columns = Math.toIntExact(shape[shape.length - 1]);
    FloatBuffer whole =
        FloatBuffer.allocate(columns * (shape.length == 2 ? Math.toIntExact(shape[0]) : 1));
    exact.read(name, 0, whole);
    float[] values = whole.array();
    if (shape.length == 2 && held != HeldDtype.F32 && !name.endsWith(DecoderConfig.ROUTER)) {
      if (held == HeldDtype.INT8 && name.startsWith(config.names().layers())) {
        for (int row = 0; row < shape[0]; row++) {
          for (int first = 0; first < columns; first += 64) {
            quantize(values, row * columns + first, Math.min(64, columns - first));
          }
        }
      } else {
        for (int i = 0; i < values.length; i++) {
          values[i] = inBf16(values[i]);
        }
      }
    }
    target.put(values, Math.toIntExact(from), target.remaining());
  }

  /** To the nearest number whose low 16 bits are 0, halves to that with an even last bit. */
  private static float inBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int rounded = bits + 0x7fff + ((bits >> 16) & 1);
    return Float.intBitsToFloat(rounded & 0xffff0000);
  }

  private static void quantize(float[] values, int from, int count) {
    float greatest = 0;
    for (int i = from; i < from + count; i++) {
      greatest = Math.max(greatest, Math.abs(values[i]));
    }
    float scale = greatest / 127;
    for (int i = from; i < from + count; i++) {
      values[i] = scale == 0 ? 0 : (float) Math.rint(values[i] / scale) * scale;
    }
  }
}
