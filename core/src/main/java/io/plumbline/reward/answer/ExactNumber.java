package io.plumbline.reward.answer;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.Optional;

/**
 * A number as an exact fraction in lowest terms.
 *
 * @param numerator with the sign
 * @param denominator over 0
 * @param form how it was written
 */
record ExactNumber(BigInteger numerator, BigInteger denominator, Form form) {
  /** What the writing says of the number besides its value. */
  enum Form {
    PLAIN,
    /** With a percent sign, by whose number it counts: 15 for 15%. */
    PERCENT
  }

  /** Longer ones are texts: nobody asks for them, and arithmetic on them takes long. */
  private static final int MOST_CHARACTERS = 200;

  private static final int LARGEST_EXPONENT = 200;

  /** Fails where the denominator is 0. */
  static ExactNumber of(BigInteger above, BigInteger below) {
    BigInteger shared = above.gcd(below);
    if (below.signum() < 0) {
      shared = shared.negate();
    }
    return new ExactNumber(above.divide(shared), below.divide(shared), Form.PLAIN);
  }

  static ExactNumber of(BigDecimal value) {
    return value.scale() <= 0
        ? of(value.toBigIntegerExact(), BigInteger.ONE)
        : of(value.unscaledValue(), BigInteger.TEN.pow(value.scale()));
  }

  /** A number of a table's column. */
  static Optional<ExactNumber> of(Number number) {
    return parse(
        number instanceof Double || number instanceof Float
            ? shortest(number.doubleValue())
            : number.toString());
  }

  /** 18.0 is 18 where a column holds floating-point numbers for want of another type. */
  private static String shortest(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? String.valueOf((long) value)
        : String.valueOf(value);
  }

  /**
   * Reads a text that is a number and nothing else, as people and LaTeX write it: {@code 1,234.50},
   * {@code $18}, {@code 15\%}, {@code 3/4}, {@code -\frac{3}{4}}, {@code 1 1/2}, {@code 1.5 \times
   * 10^{3}}, {@code 2e-3}.
   */
  static Optional<ExactNumber> parse(String text) {
    return text.length() > MOST_CHARACTERS
        ? Optional.empty()
        : MathReader.read(AnswerText.plain(text))
            .flatMap(
                value -> value instanceof MathValue.Scalar s ? s.of().exact() : Optional.empty());
  }

  /**
   * A decimal number with an exponent.
   *
   * @return empty where it is too large or too small to be calculated with
   */
  static Optional<BigDecimal> decimal(String digits, String exponent) {
    if (digits.length() > MOST_CHARACTERS || exponent.length() > 5) {
      return Optional.empty();
    }
    int power = exponent.isEmpty() ? 0 : Integer.parseInt(exponent);
    return Math.abs(power) > LARGEST_EXPONENT
        ? Optional.empty()
        : Optional.of(new BigDecimal(digits.replace(",", "")).scaleByPowerOfTen(power));
  }

  ExactNumber negated() {
    return new ExactNumber(numerator.negate(), denominator, form);
  }

  ExactNumber plus(ExactNumber other) {
    return of(
        numerator.multiply(other.denominator).add(other.numerator.multiply(denominator)),
        denominator.multiply(other.denominator));
  }

  ExactNumber times(ExactNumber other) {
    return of(numerator.multiply(other.numerator), denominator.multiply(other.denominator));
  }

  ExactNumber dividedBy(ExactNumber other) {
    return of(numerator.multiply(other.denominator), denominator.multiply(other.numerator));
  }

  ExactNumber toThe(int power) {
    ExactNumber raised = of(numerator.pow(Math.abs(power)), denominator.pow(Math.abs(power)));
    return power < 0 ? of(raised.denominator, raised.numerator) : raised;
  }

  /** The square root, where it is a fraction. */
  Optional<ExactNumber> root() {
    if (numerator.signum() < 0) {
      return Optional.empty();
    }
    BigInteger above = numerator.sqrt();
    BigInteger below = denominator.sqrt();
    return above.multiply(above).equals(numerator) && below.multiply(below).equals(denominator)
        ? Optional.of(of(above, below))
        : Optional.empty();
  }

  /** What the number is with its percent sign taken at its meaning. */
  ExactNumber hundredth() {
    return of(numerator, denominator.multiply(BigInteger.valueOf(100)));
  }

  /** The size of what has to be calculated with. */
  int bits() {
    return numerator.bitLength() + denominator.bitLength();
  }

  /** Whether it can be written as a decimal number. */
  boolean terminates() {
    if (bits() > 4 * MOST_CHARACTERS) {
      return false;
    }
    BigInteger rest = denominator.shiftRight(Math.max(0, denominator.getLowestSetBit()));
    BigInteger five = BigInteger.valueOf(5);
    while (rest.mod(five).signum() == 0) {
      rest = rest.divide(five);
    }
    return rest.equals(BigInteger.ONE);
  }

  double toDouble() {
    return new BigDecimal(numerator)
        .divide(new BigDecimal(denominator), MathContext.DECIMAL64)
        .doubleValue();
  }

  /**
   * Whether two numbers are the same answer. Where only one has a percent sign, the sign may be
   * taken as a unit that the other leaves out (15% and 15) or by its meaning (15% and 0.15).
   */
  boolean isNear(ExactNumber other, Tolerance tolerance) {
    if ((form == Form.PERCENT) == (other.form == Form.PERCENT)) {
      return tolerance.covers(this, other);
    }
    ExactNumber percent = form == Form.PERCENT ? this : other;
    ExactNumber bare = form == Form.PERCENT ? other : this;
    return tolerance.covers(percent, bare) || tolerance.covers(percent.hundredth(), bare);
  }

  boolean isWhole() {
    return denominator.equals(BigInteger.ONE);
  }

  boolean sameValue(ExactNumber other) {
    return numerator.equals(other.numerator) && denominator.equals(other.denominator);
  }
}
