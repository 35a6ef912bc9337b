package io.plumbline.spark.prepare;

import io.plumbline.base.Sha256;
import java.math.BigInteger;

/**
 * A hash of rows in their order that does not depend on how the rows are split into parts: parts
 * are hashed apart and joined.
 *
 * <p>The value of rows with fingerprints f₁…fₙ, each a number of 256 bits, is Σ fᵢ·Bⁿ⁻ⁱ modulo
 * 2²⁵⁵-19, with B = SHA-256("plumbline.rows.1") as a number. The fingerprint is the SHA-256 of
 * {@code n:value}, the value in hexadecimal digits.
 */
final class RowSequenceHash {
  private static final BigInteger MODULUS =
      BigInteger.ONE.shiftLeft(255).subtract(BigInteger.valueOf(19));
  private static final BigInteger BASE =
      new BigInteger(Sha256.hex("plumbline.rows.1"), 16).mod(MODULUS);

  private BigInteger value = BigInteger.ZERO;
  private long count;

  void add(String fingerprint) {
    value = value.multiply(BASE).add(new BigInteger(fingerprint, 16)).mod(MODULUS);
    count++;
  }

  /** Adds rows that were hashed apart. */
  void append(String otherValue, long otherCount) {
    value =
        value
            .multiply(BASE.modPow(BigInteger.valueOf(otherCount), MODULUS))
            .add(new BigInteger(otherValue, 16))
            .mod(MODULUS);
    count += otherCount;
  }

  String value() {
    return value.toString(16);
  }

  String fingerprint() {
    return Sha256.hex(count + ":" + value());
  }
}
