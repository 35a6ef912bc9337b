package io.plumbline.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class DtypeTest {
  @Test
  void everyHalfPrecisionNumberComesBack() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      short half = (short) bits;
      float f16 = Dtype.fromF16(half);
      float bf16 = Dtype.fromBf16(half);
      assertThat(Dtype.toF16(f16)).isEqualTo(half);
      assertThat(Dtype.toBf16(bf16)).isEqualTo(half);
    }
  }

  @Test
  void f16HasTheKnownValues() {
    assertThat(Dtype.fromF16((short) 0x3c00)).isEqualTo(1f);
    assertThat(Dtype.fromF16((short) 0xc000)).isEqualTo(-2f);
    assertThat(Dtype.fromF16((short) 0x7bff)).isEqualTo(65504f);
    assertThat(Dtype.fromF16((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(Dtype.toF16(65519f)).isEqualTo((short) 0x7bff);
    assertThat(Dtype.toF16(65520f)).isEqualTo((short) 0x7c00);
    assertThat(Dtype.toF16(1e30f)).isEqualTo((short) 0x7c00);
    assertThat(Dtype.toF16(0x1p-25f)).isEqualTo((short) 0);
    assertThat(Dtype.toF16(0x1.8p-25f)).isEqualTo((short) 1);
    assertThat(Dtype.toF16(0.1f)).isEqualTo((short) 0x2e66);
    assertThat(Dtype.toBf16(0.1f)).isEqualTo((short) 0x3dcd);
    assertThat(Dtype.toBf16(Float.MAX_VALUE)).isEqualTo((short) 0x7f80);
  }

  /** Eight bytes at a time find what one number at a time finds. */
  @Property
  void numbersThatAreNoneAreFound(@ForAll byte[] bytes, @ForAll boolean damaged) {
    for (Dtype dtype : new Dtype[] {Dtype.F32, Dtype.F16, Dtype.BF16}) {
      int n = bytes.length / dtype.bytes();
      ByteBuffer buffer =
          ByteBuffer.wrap(Arrays.copyOf(bytes, n * dtype.bytes())).order(ByteOrder.LITTLE_ENDIAN);
      if (damaged && n > 0) {
        // All ones is NaN in every one of them, and rare among random bits.
        int at = Math.floorMod(Arrays.hashCode(bytes), n) * dtype.bytes();
        for (int i = 0; i < dtype.bytes(); i++) {
          buffer.put(at + i, (byte) 0xff);
        }
      }
      FloatBuffer values = FloatBuffer.allocate(n);
      SafetensorsFile.decode(dtype, buffer.duplicate().order(ByteOrder.LITTLE_ENDIAN), values);
      int expected = -1;
      for (int i = n - 1; i >= 0; i--) {
        expected = Float.isFinite(values.get(i)) ? expected : i;
      }
      assertThat(dtype.firstNotFinite(buffer)).isEqualTo(expected);
    }
  }

  /** Rounding picks the nearest of the neighbours, and the even one where both are as near. */
  @Property
  void roundingIsToTheNearestAndTiesToEven(@ForAll float value) {
    if (Float.isNaN(value)) {
      assertThat(Dtype.fromBf16(Dtype.toBf16(value))).isNaN();
      assertThat(Dtype.fromF16(Dtype.toF16(value))).isNaN();
      return;
    }
    checkNearest(value, Dtype.toF16(value), Dtype.F16, 0x7c00);
    checkNearest(value, Dtype.toBf16(value), Dtype.BF16, 0x7f80);
  }

  private static float widen(int bits, Dtype dtype) {
    return dtype == Dtype.F16 ? Dtype.fromF16((short) bits) : Dtype.fromBf16((short) bits);
  }

  private static void checkNearest(float value, short rounded, Dtype dtype, int infinity) {
    int magnitude = rounded & 0x7fff;
    double exact = Math.abs((double) value);
    if (magnitude == infinity) {
      // The largest number and half a step above it are the border.
      double largest = widen(infinity - 1, dtype);
      double step = largest - widen(infinity - 2, dtype);
      assertThat(exact).isGreaterThanOrEqualTo(largest + step / 2);
      return;
    }
    double error = Math.abs(widen(magnitude, dtype) - exact);
    for (int neighbour : new int[] {magnitude - 1, magnitude + 1}) {
      if (neighbour < 0 || neighbour >= infinity) {
        continue;
      }
      double other = Math.abs(widen(neighbour, dtype) - exact);
      assertThat(error).isLessThanOrEqualTo(other);
      if (error == other) {
        assertThat(magnitude % 2).isZero();
      }
    }
    assertThat(rounded < 0).isEqualTo(Float.floatToRawIntBits(value) < 0);
  }
}
