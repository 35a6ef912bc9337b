package io.plumbline.reward.answer;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * The value of an expression: an exact fraction where it is one, and else what it is where its
 * variables have certain values. Two expressions that agree at all of these are the same.
 *
 * @param exact where it is a fraction of whole numbers that are not too long
 * @param at its value by place; NaN where it has none
 * @param places the decimals that a decimal number is written with; −1 for all else
 * @param variables whether it has any
 */
record Quantity(Optional<ExactNumber> exact, double[] at, int places, boolean variables) {
  /** Longer numbers are not kept exactly: arithmetic on them takes long. */
  private static final int MOST_BITS = 8_192;

  private static final int POINTS = 6;
  private static final int LEAST_POINTS = 3;
  private static final int LARGEST_FACTORIAL = 170;

  /** What rounding may do to values of the size of 1, as a share and around 0. */
  private static final double ROUNDING = 1e-9;

  private static final double AROUND_ZERO = 1e-11;

  /** Decimals from which on a rounded value is the value: math-verify's. */
  private static final int ROUNDED_PLACES = 6;

  static Quantity of(ExactNumber number) {
    double[] at = new double[POINTS];
    Arrays.fill(at, number.toDouble());
    return new Quantity(Optional.of(number), at, -1, false);
  }

  static Quantity of(long number) {
    return of(ExactNumber.of(BigInteger.valueOf(number), BigInteger.ONE));
  }

  /** A number as it is written. */
  static Quantity of(BigDecimal number) {
    Quantity value = of(ExactNumber.of(number));
    return new Quantity(value.exact, value.at, Math.max(0, number.scale()), false);
  }

  static Quantity constant(double value) {
    double[] at = new double[POINTS];
    Arrays.fill(at, value);
    return new Quantity(Optional.empty(), at, -1, false);
  }

  static Quantity variable(String name) {
    double[] at = new double[POINTS];
    for (int i = 0; i < POINTS; i++) {
      // Any numbers around 1 that do not depend on each other.
      double golden =
          0.6180339887498949 * (1 + (name.hashCode() & 0xfffff)) + 0.7548776662466927 * i;
      at[i] = 0.37 + 1.7 * (golden - Math.floor(golden));
    }
    return new Quantity(Optional.empty(), at, -1, true);
  }

  boolean isWhole() {
    return exact.isPresent() && exact.get().isWhole();
  }

  private boolean isPercent() {
    return exact.isPresent() && exact.get().form() == ExactNumber.Form.PERCENT;
  }

  /** By its meaning where it has a percent sign. */
  private Quantity plain() {
    return isPercent() ? of(exact.get().hundredth()) : this;
  }

  Quantity percent() {
    return exact.isEmpty()
        ? dividedBy(of(100))
        : new Quantity(
            exact.map(
                n -> new ExactNumber(n.numerator(), n.denominator(), ExactNumber.Form.PERCENT)),
            at,
            -1,
            false);
  }

  Quantity negated() {
    return new Quantity(exact.map(ExactNumber::negated), mapped(x -> -x), places, variables);
  }

  Quantity plus(Quantity other) {
    Quantity a = plain();
    Quantity b = other.plain();
    return a.with(b, (x, y) -> x + y, both(a, b).map(n -> n[0].plus(n[1])));
  }

  Quantity minus(Quantity other) {
    return plus(other.plain().negated());
  }

  Quantity times(Quantity other) {
    Quantity a = plain();
    Quantity b = other.plain();
    return a.with(b, (x, y) -> x * y, both(a, b).map(n -> n[0].times(n[1])));
  }

  /** Fails with {@link NoMathException} where the divisor is 0. */
  Quantity dividedBy(Quantity other) {
    Quantity a = plain();
    Quantity b = other.plain();
    if (b.exact.isPresent() && b.exact.get().numerator().signum() == 0) {
      throw new NoMathException();
    }
    return a.with(b, (x, y) -> x / y, both(a, b).map(n -> n[0].dividedBy(n[1])));
  }

  Quantity toThe(Quantity power) {
    Quantity a = plain();
    Quantity b = power.plain();
    if (a.exact.isPresent() && b.isWhole() && b.exact.get().numerator().bitLength() < 16) {
      int n = b.exact.get().numerator().intValueExact();
      if (n < 0 && a.exact.get().numerator().signum() == 0) {
        throw new NoMathException();
      }
      if ((long) Math.abs(n) * a.exact.get().bits() <= MOST_BITS) {
        return of(a.exact.get().toThe(n));
      }
    }
    boolean half = b.exact.isPresent() && b.exact.get().denominator().equals(BigInteger.TWO);
    return half
        ? a.root().toThe(of(ExactNumber.of(b.exact.get().numerator(), BigInteger.ONE)))
        : a.with(b, Math::pow, Optional.empty());
  }

  Quantity root() {
    Quantity a = plain();
    return new Quantity(a.exact.flatMap(ExactNumber::root), a.mapped(Math::sqrt), -1, a.variables);
  }

  Quantity applied(DoubleUnaryOperator function) {
    return new Quantity(Optional.empty(), plain().mapped(function), -1, variables);
  }

  Quantity absolute() {
    return exact.isPresent() && exact.get().numerator().signum() >= 0
        ? plain()
        : new Quantity(
            plain().exact.map(ExactNumber::negated), plain().mapped(Math::abs), -1, variables);
  }

  Quantity factorial() {
    if (!isWhole() || exact.get().numerator().signum() < 0) {
      throw new NoMathException();
    }
    if (exact.get().numerator().compareTo(BigInteger.valueOf(LARGEST_FACTORIAL)) > 0) {
      throw new NoMathException();
    }
    BigInteger product = BigInteger.ONE;
    for (int i = 2; i <= exact.get().numerator().intValueExact(); i++) {
      product = product.multiply(BigInteger.valueOf(i));
    }
    return of(ExactNumber.of(product, BigInteger.ONE));
  }

  private double[] mapped(DoubleUnaryOperator function) {
    return Arrays.stream(at).map(function).toArray();
  }

  private static Optional<ExactNumber[]> both(Quantity a, Quantity b) {
    return a.exact.isPresent()
            && b.exact.isPresent()
            && a.exact.get().bits() + b.exact.get().bits() <= MOST_BITS
        ? Optional.of(new ExactNumber[] {a.exact.get(), b.exact.get()})
        : Optional.empty();
  }

  private Quantity with(
      Quantity other, DoubleBinaryOperator operator, Optional<ExactNumber> exact) {
    double[] values = new double[POINTS];
    for (int i = 0; i < POINTS; i++) {
      values[i] = operator.applyAsDouble(at[i], other.at[i]);
    }
    return new Quantity(exact, values, -1, variables || other.variables);
  }

  /** Whether both are the same answer. */
  boolean isNear(Quantity other, Tolerance tolerance) {
    if (exact.isPresent() && other.exact.isPresent()) {
      return exact.get().isNear(other.exact.get(), tolerance)
          || isRoundingOf(other)
          || other.isRoundingOf(this);
    }
    return isRoundingOf(other) || other.isRoundingOf(this) || agrees(other, tolerance);
  }

  /** Whether this is a decimal number to which the other, which is none, was rounded. */
  private boolean isRoundingOf(Quantity other) {
    boolean terminates = other.exact.isPresent() && other.exact.get().terminates();
    return places >= ROUNDED_PLACES
        && places < 15
        && !terminates
        && !other.variables
        && Math.abs(at[0] - other.at[0]) <= 0.5000001 * Math.pow(10, -places);
  }

  private boolean agrees(Quantity other, Tolerance tolerance) {
    double[] own = plain().at;
    double[] others = other.plain().at;
    int compared = 0;
    for (int i = 0; i < POINTS; i++) {
      double x = own[i];
      double y = others[i];
      if (Double.isNaN(x) && Double.isNaN(y)) {
        continue;
      }
      if (!Double.isFinite(x) || !Double.isFinite(y)) {
        return false;
      }
      double size = Math.max(Math.abs(x), Math.abs(y));
      double apart = Math.max(ROUNDING, tolerance.relative()) * size;
      if (Math.abs(x - y)
          > Math.max(
              Math.max(apart, tolerance.absolute()), AROUND_ZERO * Math.min(1, size + ROUNDING))) {
        return false;
      }
      compared++;
    }
    return compared >= LEAST_POINTS;
  }

  /** Whether one is a multiple of the other at all places, as two forms of an equation are. */
  boolean isMultipleOf(Quantity other) {
    if (!variables || !other.variables) {
      return false;
    }
    double factor = at[0] / other.at[0];
    if (!Double.isFinite(factor) || factor == 0) {
      return false;
    }
    for (int i = 1; i < POINTS; i++) {
      double x = at[i];
      double y = factor * other.at[i];
      if (!(Math.abs(x - y) <= ROUNDING * Math.max(Math.abs(x), Math.abs(y)))) {
        return false;
      }
    }
    return true;
  }
}
