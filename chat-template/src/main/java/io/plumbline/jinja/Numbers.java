package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/** Python's numbers: whole ones of any size (long or BigInteger) and doubles. */
final class Numbers {
  private static final int MOST_BITS = 1 << 16;
  private static final BigInteger LEAST_LONG = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger GREATEST_LONG = BigInteger.valueOf(Long.MAX_VALUE);

  /** What the costs of arithmetic on whole numbers grow with. */
  private static long words(Object integer) {
    return integer instanceof BigInteger big ? (big.bitLength() >> 5) + 1 : 1;
  }

  /** Pays for arithmetic that takes time up to the product of the lengths of its operands. */
  private static void payProduct(Rendering rendering, Object a, Object b) {
    rendering.spend(words(a) * words(b) / 32 + (words(a) + words(b)) / 2);
  }

  /** Pays for arithmetic that takes time up to the square of a length in bits. */
  static void paySquare(Budget budget, long bits) {
    long words = (bits >> 5) + 1;
    budget.spend(words * words / 16 + words);
  }

  private Numbers() {}

  static Object normalize(BigInteger value) {
    checkBits(value.bitLength());
    return value.compareTo(LEAST_LONG) >= 0 && value.compareTo(GREATEST_LONG) <= 0
        ? (Object) value.longValue()
        : value;
  }

  static void checkBits(long bits) {
    if (bits > MOST_BITS) {
      throw PyError.limit("a number has more than " + MOST_BITS + " bits");
    }
  }

  static boolean isNumber(Object value) {
    return value instanceof Long
        || value instanceof Double
        || value instanceof Boolean
        || value instanceof BigInteger;
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof Boolean || value instanceof BigInteger;
  }

  static BigInteger big(Object integer) {
    if (integer instanceof BigInteger big) {
      return big;
    }
    return BigInteger.valueOf(small(integer));
  }

  private static long small(Object integer) {
    return integer instanceof Boolean bool ? (bool ? 1 : 0) : (Long) integer;
  }

  static boolean isSmall(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  static double real(Object number) {
    if (number instanceof Double value) {
      return value;
    }
    if (isSmall(number)) {
      return small(number);
    }
    double value = big(number).doubleValue();
    if (Double.isInfinite(value)) {
      throw PyError.arithmetic("int too large to convert to float");
    }
    return value;
  }

  /** A whole number as an index; beyond an int it is cut to the nearest int. */
  static int index(Object value) {
    BigInteger big = big(value);
    return big.max(BigInteger.valueOf(Integer.MIN_VALUE + 1))
        .min(BigInteger.valueOf(Integer.MAX_VALUE - 1))
        .intValue();
  }

  static Object binary(Rendering rendering, String operator, Object left, Object right) {
    rendering.spend(2);
    if (left instanceof Double || right instanceof Double) {
      return real(operator, real(left), real(right));
    }
    if (!isSmall(left) || !isSmall(right)) {
      switch (operator) {
        case "+", "-" -> rendering.spend((words(left) + words(right)) / 2);
        case "/" -> paySquare(rendering, 32 * (words(left) + words(right)));
        default -> payProduct(rendering, left, right);
      }
    }
    return switch (operator) {
      case "+" -> {
        if (isSmall(left) && isSmall(right)) {
          long a = small(left);
          long b = small(right);
          long sum = a + b;
          if (((a ^ sum) & (b ^ sum)) >= 0) {
            yield sum;
          }
        }
        yield normalize(big(left).add(big(right)));
      }
      case "-" -> normalize(big(left).subtract(big(right)));
      case "*" -> normalize(big(left).multiply(big(right)));
      case "/" -> quotient(big(left), big(right));
      case "//" -> normalize(floorDivide(big(left), big(right)));
      case "%" -> {
        BigInteger[] parts = divide(big(left), big(right));
        yield normalize(
            parts[1].signum() != 0 && parts[1].signum() != big(right).signum()
                ? parts[1].add(big(right))
                : parts[1]);
      }
      case "**" -> power(rendering, big(left), big(right));
      default -> throw new IllegalArgumentException(operator);
    };
  }

  private static BigInteger[] divide(BigInteger a, BigInteger b) {
    if (b.signum() == 0) {
      throw PyError.arithmetic("division by zero");
    }
    return a.divideAndRemainder(b);
  }

  private static BigInteger floorDivide(BigInteger a, BigInteger b) {
    BigInteger[] parts = divide(a, b);
    return parts[1].signum() != 0 && parts[1].signum() != b.signum()
        ? parts[0].subtract(BigInteger.ONE)
        : parts[0];
  }

  private static Object quotient(BigInteger a, BigInteger b) {
    if (b.signum() == 0) {
      throw PyError.arithmetic("division by zero");
    }
    if (a.bitLength() <= 53 && b.bitLength() <= 53) {
      return (double) a.longValue() / b.longValue();
    }
    double value = new BigDecimal(a).divide(new BigDecimal(b), new MathContext(40)).doubleValue();
    if (Double.isInfinite(value)) {
      throw PyError.arithmetic("integer division result too large for a float");
    }
    return value;
  }

  private static Object power(Rendering rendering, BigInteger base, BigInteger exponent) {
    if (exponent.signum() < 0) {
      return real("**", real(normalize(base)), real(normalize(exponent)));
    }
    if (base.bitLength() <= 1 && base.abs().compareTo(BigInteger.ONE) <= 0) {
      if (exponent.signum() == 0 || base.signum() > 0) {
        return 1L;
      }
      return base.signum() == 0 ? 0L : (exponent.testBit(0) ? -1L : 1L);
    }
    if (exponent.bitLength() > 31
        || (long) base.abs().bitLength() * exponent.intValue() > 2L * MOST_BITS) {
      throw PyError.limit("a number has more than " + MOST_BITS + " bits");
    }
    paySquare(rendering, (long) base.abs().bitLength() * exponent.intValue());
    return normalize(base.pow(exponent.intValue()));
  }

  private static Object real(String operator, double a, double b) {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> {
        if (b == 0) {
          throw PyError.arithmetic("float division by zero");
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
      throw PyError.arithmetic("0.0 cannot be raised to a negative power");
    }
    if (a < 0 && b != Math.rint(b) && finite) {
      throw PyError.arithmetic("complex numbers are not supported");
    }
    if (a == 1 || (a == -1 && Double.isInfinite(b))) {
      return 1.0;
    }
    double power = Math.pow(a, b);
    if (Double.isInfinite(power) && finite) {
      throw PyError.arithmetic("the result of a power is too large");
    }
    return power;
  }

  private static double floorOrModulo(String operator, double a, double b) {
    if (b == 0) {
      throw PyError.arithmetic("float modulo by zero");
    }
    double modulo = a % b;
    double division = (a - modulo) / b;
    if (modulo != 0) {
      if ((b < 0) != (modulo < 0)) {
        modulo += b;
        division -= 1.0;
      }
    } else {
      modulo = Math.copySign(0.0, b);
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

  static Object negative(Rendering rendering, Object value) {
    rendering.spend(words(value));
    return value instanceof Double real ? (Object) (-real) : normalize(big(value).negate());
  }

  static Object absolute(Rendering rendering, Object value) {
    rendering.spend(words(value));
    return value instanceof Double real ? (Object) Math.abs(real) : normalize(big(value).abs());
  }

  static int compare(Rendering rendering, Object left, Object right) {
    if (left instanceof Double || right instanceof Double) {
      if (left instanceof Double a && right instanceof Double b) {
        return a < b ? -1 : a > b ? 1 : 0;
      }
      boolean swapped = right instanceof Double;
      double real = swapped ? (Double) right : (Double) left;
      Object whole = swapped ? left : right;
      int sign = compare(rendering, real, big(whole));
      return swapped ? -sign : sign;
    }
    if (isSmall(left) && isSmall(right)) {
      return Long.compare(small(left), small(right));
    }
    rendering.spend(Math.min(words(left), words(right)) / 4);
    return big(left).compareTo(big(right));
  }

  private static int compare(Rendering rendering, double real, BigInteger whole) {
    if (Double.isInfinite(real)) {
      return real > 0 ? 1 : -1;
    }
    if (whole.bitLength() > Double.MAX_EXPONENT + 1) {
      return -whole.signum();
    }
    if (whole.bitLength() <= 53) {
      double exact = whole.doubleValue();
      return real < exact ? -1 : real > exact ? 1 : 0;
    }
    rendering.spend(50);
    // A double of that size has no fraction.
    return new BigDecimal(real).toBigInteger().compareTo(whole);
  }

  static boolean isNan(Object value) {
    return value instanceof Double real && real.isNaN();
  }

  /** The value as a key: equal numbers of different types give equal keys. */
  static Object hashKey(Rendering rendering, Object number) {
    rendering.spend(4 + words(number));
    if (isSmall(number)) {
      return Key.of(small(number));
    }
    BigInteger whole;
    if (number instanceof Double real) {
      if (real != Math.rint(real) || Double.isInfinite(real)) {
        return Key.of(real);
      }
      rendering.spend(50);
      whole = new BigDecimal(real).toBigInteger();
    } else {
      whole = big(number);
    }
    return whole.bitLength() < Long.SIZE ? Key.of(whole.longValue()) : Key.of(whole);
  }

  static String decimal(Rendering rendering, Object integer) {
    if (isSmall(integer)) {
      rendering.spend(6);
      return Long.toString(small(integer));
    }
    BigInteger big = big(integer);
    if (big.bitLength() <= 14_290) {
      paySquare(rendering, big.bitLength());
      String digits = big.toString();
      if (digits.length() - (big.signum() < 0 ? 1 : 0) <= 4300) {
        return digits;
      }
    }
    throw PyError.value("a number of more than 4300 digits cannot be printed");
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
    String digits = shortest.unscaledValue().toString();
    int point = digits.length() - shortest.scale();
    String sign = value < 0 ? "-" : "";
    if (point > 16 || point < -3) {
      String mantissa =
          digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
      int exponent = point - 1;
      return sign
          + mantissa
          + "e"
          + (exponent < 0 ? "-" : "+")
          + (Math.abs(exponent) < 10 ? "0" : "")
          + Math.abs(exponent);
    }
    if (point <= 0) {
      return sign + "0." + "0".repeat(-point) + digits;
    }
    if (point >= digits.length()) {
      return sign + digits + "0".repeat(point - digits.length()) + ".0";
    }
    return sign + digits.substring(0, point) + "." + digits.substring(point);
  }
}
