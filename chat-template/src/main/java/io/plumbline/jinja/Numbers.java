package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * Python's numbers: whole ones of 64 bits, and doubles. Longer whole numbers that a caller gives
 * can be printed and compared, and nothing else.
 */
final class Numbers {
  /** Python prints no longer numbers. */
  private static final int MOST_BITS = 14_290;

  private Numbers() {}

  static PyError tooLong() {
    return Unsupported.of("whole numbers of more than 64 bits are", "use a float");
  }

  /** What a caller gave. */
  static Object given(BigInteger value) {
    if (value.bitLength() < Long.SIZE) {
      return value.longValue();
    }
    if (value.bitLength() > MOST_BITS) {
      throw PyError.limit("a number has more than " + MOST_BITS + " bits");
    }
    return value;
  }

  static boolean isNumber(Object value) {
    return value instanceof Double || isInteger(value);
  }

  static boolean isInteger(Object value) {
    return isSmall(value) || value instanceof BigInteger;
  }

  /** Whether a value is a whole number that can be calculated with. */
  static boolean isSmall(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  static long small(Object integer) {
    if (integer instanceof BigInteger) {
      throw tooLong();
    }
    return integer instanceof Boolean bool ? (bool ? 1 : 0) : (Long) integer;
  }

  private static BigDecimal exact(Object number) {
    if (number instanceof Double real) {
      return new BigDecimal(real);
    }
    return number instanceof BigInteger big ? new BigDecimal(big) : new BigDecimal(small(number));
  }

  static double real(Object number) {
    if (number instanceof Double value) {
      return value;
    }
    double value = number instanceof BigInteger big ? big.doubleValue() : small(number);
    if (Double.isInfinite(value)) {
      throw PyError.of("int too large to convert to float");
    }
    return value;
  }

  /** A whole number as an index; beyond an int it is cut to the nearest int. */
  static int index(Object value) {
    long whole = value instanceof BigInteger big ? Long.MAX_VALUE * big.signum() : small(value);
    return (int) Math.max(Integer.MIN_VALUE + 1, Math.min(Integer.MAX_VALUE - 1, whole));
  }

  static Object binary(Rendering rendering, String operator, Object left, Object right) {
    rendering.spend(2);
    if (left instanceof Double || right instanceof Double) {
      return real(operator, real(left), real(right));
    }
    long a = small(left);
    long b = small(right);
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw PyError.of("division by zero");
    }
    try {
      return switch (operator) {
        case "+" -> Math.addExact(a, b);
        case "-" -> Math.subtractExact(a, b);
        case "*" -> Math.multiplyExact(a, b);
        case "/" -> quotient(rendering, a, b);
        case "//" -> b == -1 ? Math.negateExact(a) : Math.floorDiv(a, b);
        case "%" -> Math.floorMod(a, b);
        case "**" ->
            b < 0 ? (Object) realPower((double) a, (double) b) : (Object) power(rendering, a, b);
        default -> throw new IllegalArgumentException(operator);
      };
    } catch (ArithmeticException e) {
      throw tooLong();
    }
  }

  /** Rounded once, as Python does, where a double cannot hold the operands. */
  private static double quotient(Rendering rendering, long a, long b) {
    long exact = 1L << 53;
    if (Math.abs(a) <= exact && Math.abs(b) <= exact && a != Long.MIN_VALUE) {
      return (double) a / b;
    }
    rendering.spend(50);
    return new BigDecimal(a).divide(new BigDecimal(b), new MathContext(40)).doubleValue();
  }

  private static long power(Rendering rendering, long base, long exponent) {
    if (exponent == 0 || base == 1) {
      return 1;
    }
    if (base == 0 || base == -1) {
      return base == 0 ? 0 : exponent % 2 == 0 ? 1 : -1;
    }
    long power = 1;
    for (long i = 0; i < exponent; i++) {
      rendering.step();
      power = Math.multiplyExact(power, base);
    }
    return power;
  }

  private static double real(String operator, double a, double b) {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> {
        if (b == 0) {
          throw PyError.of("float division by zero");
        }
        yield a / b;
      }
      case "//", "%" -> floorOrModulo(operator, a, b);
      case "**" -> realPower(a, b);
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static double realPower(double a, double b) {
    boolean finite = !Double.isInfinite(a) && !Double.isInfinite(b);
    if (a == 0 && b < 0) {
      throw PyError.of("0.0 cannot be raised to a negative power");
    }
    if (a < 0 && b != Math.rint(b) && finite) {
      throw Unsupported.of("complex numbers are");
    }
    if (a == 1 || (a == -1 && Double.isInfinite(b))) {
      return 1.0;
    }
    double power = Math.pow(a, b);
    if (Double.isInfinite(power) && finite) {
      throw PyError.of("the result of a power is too large");
    }
    return power;
  }

  private static double floorOrModulo(String operator, double a, double b) {
    if (b == 0) {
      throw PyError.of("float modulo by zero");
    }
    double modulo = a % b;
    double division = (a - modulo) / b;
    if (modulo == 0) {
      modulo = Math.copySign(0.0, b);
    } else if ((b < 0) != (modulo < 0)) {
      modulo += b;
      division -= 1.0;
    }
    if (operator.equals("%")) {
      return modulo;
    }
    if (division == 0) {
      return Math.copySign(0.0, a / b);
    }
    double floor = Math.floor(division);
    return division - floor > 0.5 ? floor + 1.0 : floor;
  }

  static Object negative(Object value) {
    if (value instanceof Double real) {
      return -real;
    }
    long whole = small(value);
    if (whole == Long.MIN_VALUE) {
      throw tooLong();
    }
    return -whole;
  }

  static Object absolute(Object value) {
    if (value instanceof Double real) {
      return Math.abs(real);
    }
    return small(value) < 0 ? negative(value) : (Object) small(value);
  }

  /** The whole part of a double. */
  static long truncated(double real) {
    if (Double.isNaN(real)) {
      throw PyError.of("cannot convert float NaN to integer");
    }
    if (Double.isInfinite(real)) {
      throw PyError.of("cannot convert float infinity to integer");
    }
    if (Math.abs(real) >= 0x1p63) {
      throw tooLong();
    }
    return (long) real;
  }

  /** Rounds half to even; a negative number of digits stands before the point. */
  static Object rounded(Rendering rendering, Object value, int digits) {
    if (value instanceof Double real) {
      if (real.isNaN() || real.isInfinite() || digits > 400) {
        return real;
      }
      rendering.spend(100);
      int scale = Math.max(digits, -400);
      double rounded = new BigDecimal(real).setScale(scale, RoundingMode.HALF_EVEN).doubleValue();
      return rounded == 0 ? Math.copySign(0.0, real) : rounded;
    }
    rendering.spend(50);
    long whole = small(value);
    int scale = Math.max(-20, Math.min(0, digits));
    return given(new BigDecimal(whole).setScale(scale, RoundingMode.HALF_EVEN).toBigInteger());
  }

  /** Compares numbers, none of which is NaN. */
  static int compare(Rendering rendering, Object left, Object right) {
    if (isSmall(left) && isSmall(right)) {
      return Long.compare(small(left), small(right));
    }
    if (left instanceof Double a && right instanceof Double b) {
      return a < b ? -1 : a > b ? 1 : 0;
    }
    if (left instanceof Double real && real.isInfinite()) {
      return real > 0 ? 1 : -1;
    }
    if (right instanceof Double real && real.isInfinite()) {
      return real > 0 ? -1 : 1;
    }
    rendering.spend(100);
    return exact(left).compareTo(exact(right));
  }

  static boolean isNan(Object value) {
    return value instanceof Double real && real.isNaN();
  }

  static String decimal(Rendering rendering, Object integer) {
    rendering.spend(6);
    if (integer instanceof BigInteger big) {
      rendering.spend((long) big.bitLength() * big.bitLength() / 4096);
      return big.toString();
    }
    return Long.toString(small(integer));
  }

  /** The shortest digits that read back as the same double, laid out as Python does. */
  static String repr(Rendering rendering, double value) {
    rendering.spend(10);
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal exact = new BigDecimal(Math.abs(value));
    rendering.spend(50L + exact.precision());
    // A double has up to 767 digits; of those behind the 40th it matters only whether there are
    // any.
    BigDecimal near = exact.round(new MathContext(40, RoundingMode.DOWN));
    if (near.compareTo(exact) != 0) {
      near = near.add(BigDecimal.ONE.scaleByPowerOfTen(-near.scale() - 1));
    }
    BigDecimal shortest = near;
    for (int digits = 1; digits <= 17; digits++) {
      shortest = near.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (shortest.doubleValue() == Math.abs(value)) {
        break;
      }
    }
    shortest = shortest.stripTrailingZeros();
    return (value < 0 ? "-" : "")
        + laidOut(shortest.unscaledValue().toString(), shortest.precision() - shortest.scale());
  }

  /** Digits with the point behind so many of them, or with an exponent. */
  private static String laidOut(String digits, int point) {
    if (point > 16 || point < -3) {
      String mantissa =
          digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
      int exponent = Math.abs(point - 1);
      return mantissa + "e" + (point < 1 ? "-" : "+") + (exponent < 10 ? "0" : "") + exponent;
    }
    if (point <= 0) {
      return "0." + "0".repeat(-point) + digits;
    }
    if (point >= digits.length()) {
      return digits + "0".repeat(point - digits.length()) + ".0";
    }
    return digits.substring(0, point) + "." + digits.substring(point);
  }
}
