package io.plumbline.jinja;

import java.math.BigInteger;
import java.util.Optional;
import java.util.regex.Pattern;

/** Numbers that strings say, as Python's int() and float() read them. */
final class Numerals {
  /** Takes time linear in the text, as nothing is given back. */
  private static final Pattern REAL =
      Pattern.compile("(?:[0-9]++\\.?[0-9]*+|\\.[0-9]++)(?:[eE][-+]?[0-9]++)?");

  private Numerals() {}

  private static String digits(Rendering rendering, String text) {
    String stripped = TextParts.strip(rendering, text, null, TextParts.Ends.BOTH);
    rendering.read(4L * stripped.length());
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < stripped.length(); ) {
      int c = stripped.codePointAt(i);
      i += Character.charCount(c);
      if (Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER) {
        out.add((char) ('0' + Character.digit(c, 10)));
      } else {
        out.add(c);
      }
    }
    return out.build();
  }

  /** Without the underscores, each of which stands between two digits; or null. */
  private static String joined(String digits, int base) {
    for (int i = digits.indexOf('_'); i >= 0; i = digits.indexOf('_', i + 1)) {
      if (i == 0
          || i == digits.length() - 1
          || Character.digit(digits.charAt(i - 1), base) < 0
          || Character.digit(digits.charAt(i + 1), base) < 0) {
        return null;
      }
    }
    return digits.replace("_", "");
  }

  /** A whole number of a base, with its prefix or without. */
  static Optional<Long> whole(Rendering rendering, String text, int base) {
    if (base == 0) {
      throw Unsupported.of("the base 0 of int is", "give the base of the number");
    }
    String digits = digits(rendering, text);
    rendering.makeText(4L * digits.length());
    boolean negative = digits.startsWith("-");
    if (negative || digits.startsWith("+")) {
      digits = digits.substring(1);
    }
    if (base < 2 || base > 36) {
      return Optional.empty();
    }
    if (digits.length() > 1 && digits.charAt(0) == '0' && base == prefixed(digits.charAt(1))) {
      digits = digits.substring(digits.startsWith("_", 2) ? 3 : 2);
    }
    digits = joined(digits, base);
    if (digits == null
        || digits.isEmpty()
        || digits.chars().anyMatch(c -> c >= 128 || Character.digit(c, base) < 0)) {
      return Optional.empty();
    }
    int zeros = 0;
    while (zeros < digits.length() - 1 && digits.charAt(zeros) == '0') {
      zeros++;
    }
    if (digits.length() - zeros > Long.SIZE) {
      throw Numbers.tooLong();
    }
    BigInteger whole = new BigInteger((negative ? "-" : "") + digits.substring(zeros), base);
    if (whole.bitLength() >= Long.SIZE) {
      throw Numbers.tooLong();
    }
    return Optional.of(whole.longValue());
  }

  /** The base whose numbers begin with a zero and this letter. */
  private static int prefixed(char letter) {
    return switch (letter) {
      case 'x', 'X' -> 16;
      case 'o', 'O' -> 8;
      case 'b', 'B' -> 2;
      default -> 0;
    };
  }

  static Optional<Double> real(Rendering rendering, String text) {
    String digits = digits(rendering, text);
    rendering.makeText(2L * digits.length());
    rendering.spend(digits.length());
    boolean negative = digits.startsWith("-");
    String unsigned = negative || digits.startsWith("+") ? digits.substring(1) : digits;
    String word = unsigned.length() > 8 ? "" : LetterCase.lower(rendering, unsigned);
    if (word.equals("inf") || word.equals("infinity")) {
      return Optional.of(negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY);
    }
    if (word.equals("nan")) {
      return Optional.of(Double.NaN);
    }
    String joined = joined(unsigned, 10);
    if (joined == null || !REAL.matcher(joined).matches()) {
      return Optional.empty();
    }
    double real = Double.parseDouble(joined);
    return Optional.of(negative ? -real : real);
  }
}
