package io.plumbline.checkpoint;

import java.nio.ByteBuffer;
import java.util.Optional;

/** Number types that a safetensors file may hold. */
public enum Dtype {
  BOOL(1),
  U8(1),
  I8(1),
  F8_E5M2(1),
  F8_E4M3(1),
  U16(2),
  I16(2),
  F16(2),
  BF16(2),
  U32(4),
  I32(4),
  F32(4),
  U64(8),
  I64(8),
  F64(8);

  private static final float[] F16_VALUES = f16Values();

  private final int bytes;

  Dtype(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one number. */
  public int bytes() {
    return bytes;
  }

  /** Whether the numbers can be read as f32; F64 is rounded. */
  boolean readsAsFloat() {
    return this == F32 || this == F16 || this == BF16 || this == F64;
  }

  /** The type's name in a config.json: {@code float32}, {@code float16} or {@code bfloat16}. */
  String torchName() {
    return switch (this) {
      case F32 -> "float32";
      case F16 -> "float16";
      case BF16 -> "bfloat16";
      default -> throw new IllegalArgumentException(this + " is not a type of weights");
    };
  }

  /** Whether the bits of an F16 or a BF16 are infinity of either sign. */
  boolean isInfinite(short bits) {
    return (bits & 0x7fff) == (this == F16 ? 0x7c00 : 0x7f80);
  }

  static Optional<Dtype> named(String name) {
    for (Dtype dtype : values()) {
      if (dtype.name().equals(name)) {
        return Optional.of(dtype);
      }
    }
    return Optional.empty();
  }

  static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  static float fromF16(short bits) {
    return F16_VALUES[bits & 0xffff];
  }

  /** Rounds to the nearest bf16, ties to even. */
  static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      int high = bits >>> 16;
      return (short) ((high & 0x7f) == 0 ? high | 0x40 : high);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** Rounds to the nearest f16, ties to even; what is too large becomes infinite. */
  static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) {
      int payload = (magnitude >>> 13) & 0x3ff;
      return (short) (sign | 0x7c00 | (payload == 0 ? 0x200 : payload));
    }
    if (magnitude >= 0x47800000) { // 2^16 and more, infinity with it.
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) { // Below 2^-14: a subnormal f16, a multiple of 2^-24.
      // Adding 0.5 leaves the multiples of 2^-24 as the lowest bits, rounded as the CPU rounds.
      int rounded = Float.floatToRawIntBits(Float.intBitsToFloat(magnitude) + 0.5f) - 0x3f000000;
      return (short) (sign | rounded);
    }
    int rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return (short) (sign | ((rounded - 0x38000000) >>> 13));
  }

  /**
   * The place of the first number that is infinite or NaN once it is an f32; -1 where there is none
   * or the type has none.
   *
   * @param bytes little-endian, whole numbers from 0 to the limit; its position stays
   */
  int firstNotFinite(ByteBuffer bytes) {
    long exponents =
        switch (this) {
          case F32 -> 0x7f8000007f800000L;
          case F16 -> 0x7c007c007c007c00L;
          case BF16 -> 0x7f807f807f807f80L;
          default -> 0;
        };
    if (exponents == 0) {
      return this == F64 ? firstNotFiniteAsF32(bytes) : -1;
    }
    // An exponent of ones is what both have: one more in its lowest place carries into the sign.
    long signs = this == F32 ? 0x8000000080000000L : 0x8000800080008000L;
    long one = exponents & ~(exponents << 1);
    long found = 0;
    int whole = bytes.limit() & ~7;
    for (int at = 0; at < whole; at += 8) {
      found |= (bytes.getLong(at) & exponents) + one;
    }
    return (found & signs) == 0 && whole == bytes.limit() ? -1 : oneByOne(bytes);
  }

  private int oneByOne(ByteBuffer bytes) {
    for (int at = 0; at < bytes.limit(); at += bytes()) {
      float value =
          switch (this) {
            case F32 -> bytes.getFloat(at);
            case F16 -> fromF16(bytes.getShort(at));
            default -> fromBf16(bytes.getShort(at));
          };
      if (!Float.isFinite(value)) {
        return at / bytes();
      }
    }
    return -1;
  }

  private static int firstNotFiniteAsF32(ByteBuffer bytes) {
    for (int at = 0; at < bytes.limit(); at += 8) {
      if (!Float.isFinite((float) bytes.getDouble(at))) {
        return at / 8;
      }
    }
    return -1;
  }

  private static float[] f16Values() {
    float[] values = new float[1 << 16];
    for (int h = 0; h < values.length; h++) {
      int sign = (h & 0x8000) << 16;
      int exponent = (h >>> 10) & 0x1f;
      int mantissa = h & 0x3ff;
      float value;
      if (exponent == 0x1f) {
        value = Float.intBitsToFloat(sign | 0x7f800000 | (mantissa << 13));
      } else if (exponent == 0) {
        float magnitude = mantissa * 0x1p-24f;
        value = sign == 0 ? magnitude : -magnitude;
      } else {
        value = Float.intBitsToFloat(sign | ((exponent + 112) << 23) | (mantissa << 13));
      }
      values[h] = value;
    }
    return values;
  }
}
