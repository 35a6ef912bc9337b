package io.plumbline.jinja;

import java.math.BigInteger;
import java.util.Optional;

/** What strings say: numbers, HTML without its tags, parts of URLs. */
final class Texts {
  /** Python refuses to read longer numbers in bases that are no power of two. */
  static final int MOST_DIGITS = 4300;

  private Texts() {}

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

  /** What Python's int() reads, if it reads anything. */
  static Optional<Object> wholeNumber(Rendering rendering, String text, int givenBase) {
    int base = givenBase;
    String digits = digits(rendering, text);
    rendering.makeText(4L * digits.length());
    boolean negative = digits.startsWith("-");
    if (negative || digits.startsWith("+")) {
      digits = digits.substring(1);
    }
    if (base != 0 && (base < 2 || base > 36)) {
      return Optional.empty();
    }
    int prefixBase = prefixBase(digits);
    boolean prefixed = false;
    if (prefixBase > 0 && (base == 0 || base == prefixBase)) {
      digits = digits.substring(2);
      base = prefixBase;
      prefixed = true;
    } else if (base == 0) {
      base = 10;
      if (digits.length() > 1
          && digits.startsWith("0")
          && !digits.chars().allMatch(c -> c == '0' || c == '_')) {
        return Optional.empty();
      }
    }
    if (prefixed && digits.startsWith("_")) {
      digits = digits.substring(1);
    }
    if (digits.isEmpty()
        || digits.startsWith("_")
        || digits.endsWith("_")
        || digits.contains("__")) {
      return Optional.empty();
    }
    digits = digits.replace("_", "");
    for (int i = 0; i < digits.length(); i++) {
      char c = digits.charAt(i);
      if (c >= 128 || Character.digit(c, base) < 0) {
        return Optional.empty();
      }
    }
    boolean power = Integer.bitCount(base) == 1;
    if (digits.length() > MOST_DIGITS && !power) {
      return Optional.empty();
    }
    int zeros = 0;
    while (zeros < digits.length() - 1 && digits.charAt(zeros) == '0') {
      zeros++;
    }
    // Five bits for every digit at most, and six where the base is no power of two.
    long bits = (digits.length() - zeros) * (power ? Integer.numberOfTrailingZeros(base) : 6L);
    Numbers.checkBits(bits - 6);
    Numbers.paySquare(rendering, bits);
    BigInteger whole = new BigInteger(digits.substring(zeros), base);
    return Optional.of(Numbers.normalize(negative ? whole.negate() : whole));
  }

  private static int prefixBase(String digits) {
    if (digits.length() < 2 || digits.charAt(0) != '0') {
      return 0;
    }
    return switch (digits.charAt(1)) {
      case 'x', 'X' -> 16;
      case 'o', 'O' -> 8;
      case 'b', 'B' -> 2;
      default -> 0;
    };
  }

  /** What Python's float() reads, if it reads anything. */
  static Optional<Double> realNumber(Rendering rendering, String text) {
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
    return isReal(unsigned)
        ? Optional.of(Double.valueOf(digits.replace("_", "")))
        : Optional.empty();
  }

  /** Digits with a point and an exponent, and single underscores between digits. */
  private static boolean isReal(String text) {
    int whole = digitsEnd(text, 0);
    int end = whole;
    if (end < text.length() && text.charAt(end) == '.') {
      end = digitsEnd(text, whole + 1);
      if (whole == 0 && end == 1) {
        return false;
      }
    } else if (whole == 0) {
      return false;
    }
    if (end < text.length() && (text.charAt(end) == 'e' || text.charAt(end) == 'E')) {
      int start = end + 1;
      if (start < text.length() && (text.charAt(start) == '+' || text.charAt(start) == '-')) {
        start++;
      }
      end = digitsEnd(text, start);
      if (end == start) {
        return false;
      }
    }
    return end == text.length();
  }

  private static int digitsEnd(String text, int start) {
    int end = start;
    while (end < text.length()
        && (isDigit(text, end)
            || (end > start && text.charAt(end) == '_' && isDigit(text, end + 1)))) {
      end++;
    }
    return end;
  }

  private static boolean isDigit(String text, int at) {
    return at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9';
  }

  /** Without comments and tags, as MarkupSafe drops them: up to one that has no end. */
  static String withoutTags(Rendering rendering, String text) {
    rendering.read(2L * text.length());
    TextBuilder out = new TextBuilder(rendering);
    int at = 0;
    while (true) {
      int start = text.indexOf('<', at);
      if (start < 0) {
        break;
      }
      boolean comment = text.startsWith("<!--", start);
      int end = comment ? text.indexOf("-->", start + 4) : text.indexOf('>', start);
      if (end < 0) {
        break;
      }
      rendering.step();
      out.add(text, at, start);
      at = end + (comment ? 3 : 1);
    }
    return at == 0 ? text : out.add(text, at, text.length()).build();
  }

  /** Adds a text as it stands in a URL. */
  static void addQuoted(
      Rendering rendering, TextBuilder out, String text, String safe, String space) {
    rendering.read(2L * text.length());
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (isPlain(c) || safe.indexOf(c) >= 0) {
        out.add((char) c);
      } else if (c == ' ') {
        out.add(space);
      } else {
        addBytes(out, c);
      }
    }
  }

  private static boolean isPlain(int c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || "_.-~".indexOf(c) >= 0;
  }

  /** The bytes of a character in UTF-8; half a character is a question mark. */
  private static void addBytes(TextBuilder out, int c) {
    if (c < 0x80) {
      addByte(out, c);
    } else if (c < 0x800) {
      addByte(out, 0xc0 | (c >> 6));
      addByte(out, 0x80 | (c & 0x3f));
    } else if (c < 0x10000 && Character.isSurrogate((char) c)) {
      addByte(out, '?');
    } else if (c < 0x10000) {
      addByte(out, 0xe0 | (c >> 12));
      addByte(out, 0x80 | ((c >> 6) & 0x3f));
      addByte(out, 0x80 | (c & 0x3f));
    } else {
      addByte(out, 0xf0 | (c >> 18));
      addByte(out, 0x80 | ((c >> 12) & 0x3f));
      addByte(out, 0x80 | ((c >> 6) & 0x3f));
      addByte(out, 0x80 | (c & 0x3f));
    }
  }

  private static void addByte(TextBuilder out, int value) {
    out.add('%').add(digit(value >> 4)).add(digit(value & 15));
  }

  private static char digit(int value) {
    return Character.toUpperCase(Character.forDigit(value, 16));
  }
}
