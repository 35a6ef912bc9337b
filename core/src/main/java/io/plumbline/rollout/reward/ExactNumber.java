package io.plumbline.rollout.reward;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number as people and LaTeX write it, kept as an exact fraction: {@code 1,234.50}, {@code $18},
 * {@code 15\%}, {@code 3/4}, {@code -\frac{3}{4}}, {@code 1 1/2}, {@code 1.5 \times 10^{3}}, {@code
 * 2e-3}.
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

  /** What {@link #parse} gets rid of before it looks: marks that change nothing. */
  private static final Pattern SPACING =
      Pattern.compile("\\\\[,!;:]|\\{,\\}(?=\\d{3})|[\\u00a0\\u2009\\u202f](?=\\d{3}(?!\\d))");

  private static final String DIGITS = "(?:\\d{1,3}(?:,\\d{3})++(?!\\d)|\\d++)";
  private static final String DECIMAL = "(?:" + DIGITS + "(?:\\.\\d*+)?+|\\.\\d++)";
  private static final String CURRENCY = "(?:\\\\?+[$]|[€£¥₹])";
  private static final String PERCENT = "\\s*+(\\\\?+%)?+";

  private static final Pattern PLAIN =
      Pattern.compile(
          "([-+]?+)\\s*+"
              + CURRENCY
              + "?+\\s*+([-+]?+)("
              + DECIMAL
              + ")(?:[eE]([-+]?+\\d{1,4})|\\s*+(?:\\\\times|\\\\cdot|[×*])\\s*+10\\s*+(?:\\^|\\*\\*)\\s*+\\{?+([-+]?+\\d{1,4})\\}?+)?+"
              + PERCENT
              + "\\s*+"
              + CURRENCY
              + "?+");

  private static final Pattern FRACTION =
      Pattern.compile(
          "([-+]?+)\\s*+"
              + CURRENCY
              + "?+\\s*+([-+]?+)(?:("
              + DIGITS
              + ")(?:\\s++(?:and\\s++)?+|(?=\\\\)))?(?:("
              + DECIMAL
              + ")\\s*+[/⁄]\\s*+([-+]?+"
              + DECIMAL
              + ")|\\\\[dt]?frac\\s*+(?:\\{\\s*+([-+]?+"
              + DECIMAL
              + ")\\s*+\\}|(\\d))\\s*+(?:\\{\\s*+([-+]?+"
              + DECIMAL
              + ")\\s*+\\}|(\\d)))"
              + PERCENT
              + "\\s*+"
              + CURRENCY
              + "?+");

  /** Reads a text that is a number and nothing else. */
  static Optional<ExactNumber> parse(String text) {
    if (text.length() > MOST_CHARACTERS) {
      return Optional.empty();
    }
    String bare = SPACING.matcher(text.strip().replace('−', '-')).replaceAll("").strip();
    Matcher plain = PLAIN.matcher(bare);
    if (plain.matches()) {
      return ofPlain(plain);
    }
    Matcher fraction = FRACTION.matcher(bare);
    return fraction.matches() ? ofFraction(fraction) : Optional.empty();
  }

  private static Optional<ExactNumber> ofPlain(Matcher m) {
    String exponent = m.group(5) == null ? m.group(4) : m.group(5);
    int power = exponent == null ? 0 : Integer.parseInt(exponent);
    if (twoSigns(m) || Math.abs(power) > LARGEST_EXPONENT) {
      return Optional.empty();
    }
    BigDecimal value = decimal(m.group(3)).scaleByPowerOfTen(power);
    Form form = m.group(6) == null ? Form.PLAIN : Form.PERCENT;
    ExactNumber number = quotient(value, BigDecimal.ONE, form);
    return Optional.of(negative(m) ? number.negated() : number);
  }

  private static Optional<ExactNumber> ofFraction(Matcher m) {
    BigDecimal above = decimal(first(m.group(4), m.group(6), m.group(7)));
    BigDecimal below = decimal(first(m.group(5), m.group(8), m.group(9)));
    if (twoSigns(m) || below.signum() == 0) {
      return Optional.empty();
    }
    boolean mixed = m.group(3) != null;
    if (mixed && (above.signum() < 0 || below.signum() < 0)) {
      return Optional.empty();
    }
    BigDecimal whole = mixed ? decimal(m.group(3)) : BigDecimal.ZERO;
    Form form = m.group(10) != null ? Form.PERCENT : Form.PLAIN;
    ExactNumber number = quotient(whole.multiply(below).add(above), below, form);
    return Optional.of(negative(m) ? number.negated() : number);
  }

  private static boolean twoSigns(Matcher m) {
    return !m.group(1).isEmpty() && !m.group(2).isEmpty();
  }

  private static boolean negative(Matcher m) {
    return (m.group(1) + m.group(2)).equals("-");
  }

  private static String first(String... groups) {
    for (String group : groups) {
      if (group != null) {
        return group;
      }
    }
    throw new IllegalStateException("a fraction without a part");
  }

  private static BigDecimal decimal(String digits) {
    String plain = digits.replace(",", "");
    return new BigDecimal(plain.endsWith(".") ? plain + "0" : plain);
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

  private static ExactNumber quotient(BigDecimal above, BigDecimal below, Form form) {
    int scale = Math.max(0, Math.max(above.scale(), below.scale()));
    BigInteger n = above.movePointRight(scale).toBigIntegerExact();
    BigInteger d = below.movePointRight(scale).toBigIntegerExact();
    BigInteger shared = n.gcd(d);
    if (d.signum() < 0) {
      shared = shared.negate();
    }
    return new ExactNumber(n.divide(shared), d.divide(shared), form);
  }

  private ExactNumber negated() {
    return new ExactNumber(numerator.negate(), denominator, form);
  }

  private ExactNumber hundredth() {
    return quotient(
        new BigDecimal(numerator),
        new BigDecimal(denominator).multiply(BigDecimal.valueOf(100)),
        Form.PLAIN);
  }

  double toDouble() {
    return new BigDecimal(numerator)
        .divide(new BigDecimal(denominator), java.math.MathContext.DECIMAL64)
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
