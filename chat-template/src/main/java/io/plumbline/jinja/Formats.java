package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;

/** Python's ways to lay out values: the percent operator and format(). */
final class Formats {
  private static final int MOST_WIDTH = 1_000_000;

  private Formats() {}

  // Percent

  static String percent(Rendering rendering, String format, Object argument) {
    return new Percent(rendering, format, argument).run();
  }

  private static final class Percent {
    private final Rendering rendering;
    private final String format;
    private final Object argument;
    private final List<Object> values;
    private int used;
    private boolean mapped;
    private int at;

    Percent(Rendering rendering, String format, Object argument) {
      this.rendering = rendering;
      this.format = format;
      this.argument = argument;
      this.values =
          argument instanceof Tuple tuple
              ? tuple.items()
              : java.util.Collections.singletonList(argument);
    }

    private Object take() {
      if (used >= values.size()) {
        throw PyError.type("not enough arguments for format string");
      }
      return values.get(used++);
    }

    private char peek() {
      if (at >= format.length()) {
        throw PyError.value("incomplete format");
      }
      return format.charAt(at);
    }

    String run() {
      rendering.read(2L * format.length());
      TextBuilder out = new TextBuilder(rendering);
      while (at < format.length()) {
        int next = format.indexOf('%', at);
        if (next < 0) {
          next = format.length();
        }
        out.add(format, at, next);
        at = next + 1;
        if (next < format.length()) {
          rendering.spend(10);
          out.add(directive());
        }
      }
      boolean mapping =
          argument instanceof PyDict
              || argument instanceof List
              || argument instanceof Undefined
              || argument instanceof PyRange;
      if (!mapped && used < values.size() && !mapping) {
        throw PyError.type("not all arguments converted during string formatting");
      }
      return out.build();
    }

    private String directive() {
      Object value = Values.MISSING;
      if (peek() == '(') {
        int depth = 1;
        int start = ++at;
        while (depth > 0) {
          char c = peek();
          depth += c == '(' ? 1 : c == ')' ? -1 : 0;
          at++;
        }
        String key = format.substring(start, at - 1);
        if (!(argument instanceof PyDict dict)) {
          throw PyError.type("format requires a mapping");
        }
        value = dict.find(rendering, key);
        if (value == Values.MISSING) {
          throw PyError.lookup("no key '" + PyError.shown(key) + "' for the format");
        }
        mapped = true;
      }
      Spec spec = new Spec();
      while ("-+ #0".indexOf(peek()) >= 0) {
        switch (format.charAt(at++)) {
          case '-' -> spec.align = '<';
          case '+' -> spec.sign = '+';
          case ' ' -> spec.sign = spec.sign == '+' ? '+' : ' ';
          case '#' -> spec.alternate = true;
          default -> spec.zero = true;
        }
      }
      spec.width = number(spec, true);
      if (peek() == '.') {
        at++;
        spec.precision = Math.max(0, number(spec, false));
      }
      if ("hlL".indexOf(peek()) >= 0) {
        at++;
      }
      char type = peek();
      at++;
      if (type == '%') {
        return "%";
      }
      if (value == Values.MISSING) {
        value = take();
      }
      return one(spec, type, value);
    }

    private int number(Spec spec, boolean width) {
      if (peek() == '*') {
        at++;
        Object given = take();
        if (!Numbers.isInteger(given)) {
          throw PyError.type("* wants int");
        }
        int value = Numbers.index(given);
        if (width && value < 0) {
          spec.align = '<';
          value = -value;
        }
        return checked(value);
      }
      long value = 0;
      boolean any = false;
      while (peek() >= '0' && peek() <= '9') {
        value = Math.min(Integer.MAX_VALUE, value * 10 + (peek() - '0'));
        any = true;
        at++;
      }
      return any ? checked((int) value) : width ? -1 : 0;
    }

    private String one(Spec spec, char type, Object value) {
      if (spec.align == '<') {
        spec.zero = false;
      }
      switch (type) {
        case 's', 'r', 'a' -> {
          String text = type == 's' ? Values.str(rendering, value) : Values.repr(rendering, value);
          if (type == 'a') {
            text = asciiOnly(rendering, text);
          }
          text = spec.cut(rendering, text);
          return spec.pad(rendering, text, '>');
        }
        case 'c' -> {
          String text;
          if (Values.isString(value)) {
            text = Values.text(value);
            if (text.length() > 2 || text.codePointCount(0, text.length()) != 1) {
              throw PyError.type("%c requires int or char");
            }
          } else if (Numbers.isInteger(value)) {
            int c = Numbers.index(value);
            if (c < 0 || c > Character.MAX_CODE_POINT) {
              throw PyError.arithmetic("%c arg not in range");
            }
            text = Character.toString(c);
          } else {
            throw PyError.type("%c requires int or char");
          }
          return spec.pad(rendering, text, '>');
        }
        case 'd', 'i', 'u', 'x', 'X', 'o' -> {
          Object whole = value;
          if (value instanceof Double real && "diu".indexOf(type) >= 0) {
            whole = truncated(real);
          }
          if (value instanceof Undefined undefined && "diu".indexOf(type) >= 0) {
            throw undefined.failure();
          }
          if (!Numbers.isInteger(whole)) {
            throw PyError.type("%" + type + " format: a number is required");
          }
          return integer(rendering, spec, "diu".indexOf(type) >= 0 ? 'd' : type, whole);
        }
        case 'e', 'E', 'f', 'F', 'g', 'G' -> {
          if (value instanceof Undefined undefined) {
            throw undefined.failure();
          }
          if (!Numbers.isNumber(value)) {
            throw PyError.type("must be real number, not " + Values.typeName(value));
          }
          if (spec.precision < 0) {
            spec.precision = 6;
          }
          return spec.padNumber(rendering, real(rendering, spec, type, Numbers.real(value)));
        }
        default -> throw PyError.value("unsupported format character '" + type + "'");
      }
    }
  }

  static Object truncated(double real) {
    if (Double.isNaN(real)) {
      throw PyError.value("cannot convert float NaN to integer");
    }
    if (Double.isInfinite(real)) {
      throw PyError.arithmetic("cannot convert float infinity to integer");
    }
    return Math.abs(real) < 1e18
        ? (Object) (long) real
        : Numbers.normalize(new BigDecimal(real).toBigInteger());
  }

  private static String asciiOnly(Rendering rendering, String text) {
    rendering.read(text.length());
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (c < 128) {
        out.add((char) c);
      } else {
        out.addEscaped(c);
      }
    }
    return out.build();
  }

  private static int checked(int width) {
    if (width > MOST_WIDTH) {
      throw PyError.limit("a format is wider than " + MOST_WIDTH);
    }
    return width;
  }

  // Numbers

  /** How a value is laid out. */
  private static final class Spec {
    private String fill = " ";
    private char align;
    private char sign = '-';
    private boolean alternate;
    private boolean zero;
    private int width = -1;
    private char grouping;
    private int precision = -1;
    private char type;

    String pad(Rendering rendering, String text, char defaultAlign) {
      if (width <= 0) {
        return text;
      }
      int missing = width - Strings.count(rendering, text);
      if (missing <= 0) {
        return text;
      }
      char side = align == 0 ? defaultAlign : align;
      int before = side == '<' ? 0 : side == '^' ? missing / 2 : missing;
      return new TextBuilder(rendering)
          .add(fill, before)
          .add(text)
          .add(fill, missing - before)
          .build();
    }

    /** The first characters of a text, as many as the precision allows. */
    String cut(Rendering rendering, String text) {
      if (precision < 0 || precision >= text.length()) {
        return text;
      }
      rendering.read(precision / 2);
      try {
        int end = text.offsetByCodePoints(0, precision);
        rendering.makeText(end);
        return text.substring(0, end);
      } catch (IndexOutOfBoundsException e) {
        return text;
      }
    }

    /** Pads a number; zeros, or what '=' aligns, go between its sign and its digits. */
    String padNumber(Rendering rendering, String number) {
      if (!zero && align != '=') {
        return pad(rendering, number, '>');
      }
      if (align != 0 && align != '=') {
        return pad(rendering, number, '>');
      }
      int signs =
          number.startsWith("-") || number.startsWith("+") || number.startsWith(" ") ? 1 : 0;
      if (number.startsWith("0x", signs)
          || number.startsWith("0X", signs)
          || number.startsWith("0o", signs)
          || number.startsWith("0b", signs)) {
        signs += 2;
      }
      String filler = zero && align == 0 ? "0" : fill;
      String head = number.substring(0, signs);
      String digits = number.substring(signs);
      int missing = width - number.length();
      if (missing <= 0) {
        return number;
      }
      if (grouping != 0 && filler.equals("0")) {
        return head + groupedZeros(rendering, digits, width - signs);
      }
      return new TextBuilder(rendering).add(head).add(filler, missing).add(digits).build();
    }

    /** Zeros and grouping in front of a number until it is as long as wanted, or one longer. */
    private String groupedZeros(Rendering rendering, String digits, int wanted) {
      int end = 0;
      while (end < digits.length()
          && (Character.isDigit(digits.charAt(end)) || digits.charAt(end) == grouping)) {
        end++;
      }
      rendering.makeText(2L * digits.length() + wanted);
      String whole = digits.substring(0, end).replace(String.valueOf(grouping), "");
      int group = groupSize();
      int room = wanted - (digits.length() - end);
      // Behind the first place, one in every group + 1 is a separator.
      int wantedDigits = room - (room - 1) / (group + 1);
      int zeros = Math.max(0, wantedDigits - whole.length());
      return grouped(rendering, "0".repeat(zeros) + whole) + digits.substring(end);
    }

    private int groupSize() {
      return type == 'x' || type == 'X' || type == 'o' || type == 'b' ? 4 : 3;
    }

    String grouped(Rendering rendering, String digits) {
      if (grouping == 0) {
        return digits;
      }
      int size = groupSize();
      TextBuilder out = new TextBuilder(rendering);
      int start = 0;
      for (int end = (digits.length() - 1) % size + 1; end <= digits.length(); end += size) {
        if (start > 0) {
          out.add(grouping);
        }
        out.add(digits, start, end);
        start = end;
      }
      return out.build();
    }

    String signed(boolean negative) {
      return negative ? "-" : sign == '+' ? "+" : sign == ' ' ? " " : "";
    }
  }

  private static String integer(Rendering rendering, Spec spec, char type, Object value) {
    BigInteger big = Numbers.big(value);
    BigInteger magnitude = big.abs();
    Numbers.paySquare(rendering, magnitude.bitLength());
    String digits =
        switch (type) {
          case 'x' -> magnitude.toString(16);
          case 'X' -> magnitude.toString(16).toUpperCase(Locale.ROOT);
          case 'o' -> magnitude.toString(8);
          case 'b' -> magnitude.toString(2);
          default -> Numbers.decimal(rendering, Numbers.normalize(magnitude));
        };
    if (spec.precision > digits.length()) {
      rendering.makeText(2L * spec.precision);
      digits = "0".repeat(spec.precision - digits.length()) + digits;
    }
    String prefix = spec.alternate && type != 'd' ? "0" + type : "";
    rendering.makeText(2L * digits.length());
    String grouped = spec.grouped(rendering, digits);
    return spec.padNumber(rendering, spec.signed(big.signum() < 0) + prefix + grouped);
  }

  private static String real(Rendering rendering, Spec spec, char type, double value) {
    boolean negative = value < 0 || (value == 0 && 1 / value < 0);
    boolean upper = Character.isUpperCase(type);
    String text;
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      text = Double.isNaN(value) ? "nan" : "inf";
      negative = value < 0;
    } else {
      BigDecimal exact = new BigDecimal(Math.abs(value));
      // All digits of a double are up to 1,074 behind the point; zeros may follow.
      rendering.spend(20L + exact.precision() + Math.max(0, exact.scale()));
      rendering.makeText(3L * Math.max(0, spec.precision));
      text =
          switch (Character.toLowerCase(type)) {
            case 'f' -> fixed(rendering, spec, exact);
            case 'e' -> scientific(exact, spec.precision, spec.alternate);
            default -> general(rendering, spec, exact);
          };
    }
    return spec.signed(negative) + (upper ? text.toUpperCase(Locale.ROOT) : text);
  }

  /** So many digits behind the point, which BigDecimal alone makes in time quadratic in them. */
  private static String plain(BigDecimal exact, int digits) {
    int significant = Math.min(digits, Math.max(0, exact.scale()));
    String text = exact.setScale(significant, RoundingMode.HALF_EVEN).toPlainString();
    if (digits == significant) {
      return text;
    }
    return text + (significant == 0 ? "." : "") + "0".repeat(digits - significant);
  }

  private static String fixed(Rendering rendering, Spec spec, BigDecimal exact) {
    String text = plain(exact, spec.precision);
    int point = text.indexOf('.');
    String grouped = spec.grouped(rendering, point < 0 ? text : text.substring(0, point));
    return grouped + (point < 0 ? (spec.alternate ? "." : "") : text.substring(point));
  }

  private static String scientific(BigDecimal exact, int precision, boolean alternate) {
    String digits = "0".repeat(precision + 1);
    int exponent = 0;
    if (exact.signum() != 0) {
      BigDecimal rounded = exact.round(new MathContext(precision + 1, RoundingMode.HALF_EVEN));
      digits = rounded.unscaledValue().toString();
      exponent = digits.length() - 1 - rounded.scale();
      digits =
          digits.length() > precision + 1
              ? digits.substring(0, precision + 1)
              : digits + "0".repeat(precision + 1 - digits.length());
    }
    return digits.charAt(0)
        + (precision > 0 || alternate ? "." : "")
        + digits.substring(1)
        + exponent(exponent);
  }

  private static String exponent(int exponent) {
    return "e"
        + (exponent < 0 ? "-" : "+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }

  private static String general(Rendering rendering, Spec spec, BigDecimal exact) {
    int precision = Math.max(1, spec.precision);
    int exponent = 0;
    BigDecimal rounded = exact;
    if (exact.signum() != 0) {
      rounded = exact.round(new MathContext(precision, RoundingMode.HALF_EVEN));
      exponent = rounded.precision() - rounded.scale() - 1;
    }
    if (exponent < -4 || exponent >= precision) {
      String text = scientific(exact, precision - 1, spec.alternate);
      int e = text.indexOf('e');
      return (spec.alternate ? text.substring(0, e) : trimmed(text.substring(0, e)))
          + text.substring(e);
    }
    String text = plain(rounded, Math.max(0, precision - 1 - exponent));
    if (!spec.alternate) {
      text = trimmed(text);
    }
    int point = text.indexOf('.');
    return spec.grouped(rendering, point < 0 ? text : text.substring(0, point))
        + (point < 0 ? "" : text.substring(point));
  }

  private static String trimmed(String text) {
    if (text.indexOf('.') < 0) {
      return text;
    }
    int end = text.length();
    while (text.charAt(end - 1) == '0') {
      end--;
    }
    return text.substring(0, text.charAt(end - 1) == '.' ? end - 1 : end);
  }

  // format()

  static String format(Rendering rendering, String format, Arguments arguments) {
    return new Braces(rendering, arguments).run(format, 2);
  }

  private static final class Braces {
    private final Rendering rendering;
    private final Arguments arguments;
    private int automatic;
    private boolean manual;

    Braces(Rendering rendering, Arguments arguments) {
      this.rendering = rendering;
      this.arguments = arguments;
    }

    String run(String format, int depth) {
      if (depth < 0) {
        throw PyError.value("Max string recursion exceeded");
      }
      rendering.read(4L * format.length());
      TextBuilder out = new TextBuilder(rendering);
      int at = 0;
      while (at < format.length()) {
        char c = format.charAt(at++);
        if (c != '{' && c != '}') {
          out.add(c);
          continue;
        }
        if (at < format.length() && format.charAt(at) == c) {
          out.add(c);
          at++;
          continue;
        }
        if (c == '}') {
          throw PyError.value("Single '}' encountered in format string");
        }
        int start = at;
        int nested = 1;
        int bracket = 0;
        while (true) {
          if (at >= format.length()) {
            throw PyError.value(
                start == format.length()
                    ? "Single '{' encountered in format string"
                    : "expected '}' before end of string");
          }
          char d = format.charAt(at++);
          if (d == '[' && nested == 1) {
            bracket = 1;
          } else if (d == ']') {
            bracket = 0;
          } else if (d == '{' && bracket == 0) {
            nested++;
          } else if (d == '}' && bracket == 0 && --nested == 0) {
            break;
          }
        }
        rendering.spend(10);
        rendering.makeText(2L * (at - start));
        out.add(field(format.substring(start, at - 1), depth));
      }
      return out.build();
    }

    private String field(String field, int depth) {
      int end = 0;
      int bracket = 0;
      while (end < field.length()) {
        char c = field.charAt(end);
        if (c == '[') {
          bracket = 1;
        } else if (c == ']') {
          bracket = 0;
        } else if (bracket == 0 && (c == ':' || c == '!')) {
          break;
        } else if (c == '{' || c == '}') {
          throw PyError.value("unexpected '" + c + "' in field name");
        }
        end++;
      }
      String name = field.substring(0, end);
      char conversion = 0;
      if (end < field.length() && field.charAt(end) == '!') {
        if (end + 1 >= field.length()) {
          throw PyError.value("end of string while looking for conversion specifier");
        }
        conversion = field.charAt(end + 1);
        end += 2;
        if (end < field.length() && field.charAt(end) != ':') {
          throw PyError.value("expected ':' after conversion specifier");
        }
      }
      String spec = end < field.length() ? field.substring(end + 1) : "";
      Object value = lookup(name);
      value =
          switch (conversion) {
            case 0 -> value;
            case 's' -> Values.str(rendering, value);
            case 'r' -> Values.repr(rendering, value);
            case 'a' -> asciiOnly(rendering, Values.repr(rendering, value));
            default -> throw PyError.value("Unknown conversion specifier " + conversion);
          };
      return Formats.format(rendering, value, run(spec, depth - 1));
    }

    private Object lookup(String name) {
      int end = 0;
      while (end < name.length() && name.charAt(end) != '.' && name.charAt(end) != '[') {
        end++;
      }
      String first = name.substring(0, end);
      Object value;
      if (first.isEmpty() || first.chars().allMatch(c -> c >= '0' && c <= '9')) {
        if (first.isEmpty() ? manual : automatic > 0) {
          throw PyError.value("cannot switch between manual and automatic field numbering");
        }
        int index;
        if (first.isEmpty()) {
          index = automatic++;
        } else {
          manual = true;
          index = first.length() > 9 ? Integer.MAX_VALUE : Integer.parseInt(first);
        }
        if (index >= arguments.positional().size()) {
          throw PyError.lookup("Replacement index " + index + " out of range");
        }
        value = arguments.positional().get(index);
      } else {
        if (!arguments.named().containsKey(first)) {
          throw PyError.lookup("no argument '" + PyError.shown(first) + "' for the format");
        }
        value = arguments.named().get(first);
      }
      while (end < name.length()) {
        rendering.spend(8);
        if (name.charAt(end) == '.') {
          int stop = end + 1;
          while (stop < name.length() && name.charAt(stop) != '.' && name.charAt(stop) != '[') {
            stop++;
          }
          if (stop == end + 1) {
            throw PyError.value("Empty attribute in format string");
          }
          value = Attributes.attribute(rendering, value, name.substring(end + 1, stop));
          end = stop;
        } else if (name.charAt(end) == '[') {
          int stop = name.indexOf(']', end);
          if (stop < 0) {
            throw PyError.value("Missing ']' in format string");
          }
          String key = name.substring(end + 1, stop);
          if (key.isEmpty()) {
            throw PyError.value("Empty attribute in format string");
          }
          boolean number = key.chars().allMatch(c -> c >= '0' && c <= '9') && key.length() < 10;
          value = Attributes.item(rendering, value, number ? (Object) Long.valueOf(key) : key);
          end = stop + 1;
        } else {
          throw PyError.value("Only '.' or '[' may follow ']' in format field specifier");
        }
      }
      return value;
    }
  }

  private static String format(Rendering rendering, Object value, String text) {
    if (text.isEmpty()) {
      return Values.str(rendering, value);
    }
    if (!Values.isString(value) && !Numbers.isNumber(value)) {
      throw PyError.type(
          "unsupported format string passed to " + Values.typeName(value) + ".__format__");
    }
    Spec spec = spec(text);
    if (Values.isString(value)) {
      return string(rendering, spec, Values.text(value));
    }
    char type = spec.type;
    if (type == 0 && !(value instanceof Double)) {
      type = 'd';
    }
    if ("bcdoxX".indexOf(type) >= 0 && type != 0) {
      if (value instanceof Double || spec.precision >= 0) {
        throw PyError.value("the format '" + text + "' does not fit the number");
      }
      if (type == 'c') {
        int c = Numbers.index(value);
        if (c < 0 || c > Character.MAX_CODE_POINT) {
          throw PyError.arithmetic("%c arg not in range(0x110000)");
        }
        return spec.pad(rendering, Character.toString(c), '<');
      }
      return integer(rendering, spec, type, value);
    }
    double real = Numbers.real(value);
    if (type == '%') {
      spec.precision = spec.precision < 0 ? 6 : spec.precision;
      return spec.padNumber(rendering, real(rendering, spec, 'f', real * 100) + "%");
    }
    if (type == 0 || type == 'n') {
      if (spec.precision < 0 && type == 0) {
        String plain = Numbers.repr(rendering, real);
        boolean negative = plain.startsWith("-");
        String digits = negative ? plain.substring(1) : plain;
        int point = digits.indexOf('.');
        if (point > 0 && digits.indexOf('e') < 0) {
          digits = spec.grouped(rendering, digits.substring(0, point)) + digits.substring(point);
        }
        return spec.padNumber(rendering, spec.signed(negative) + digits);
      }
      spec.precision = spec.precision < 0 ? 6 : spec.precision;
      String general = real(rendering, spec, 'g', real);
      if (type == 0
          && general.indexOf('.') < 0
          && general.indexOf('e') < 0
          && !Double.isInfinite(real)
          && !Double.isNaN(real)) {
        BigDecimal rounded =
            new BigDecimal(Math.abs(real))
                .round(new MathContext(Math.max(1, spec.precision), RoundingMode.HALF_EVEN));
        int exponent = real == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
        general =
            exponent >= Math.max(1, spec.precision) - 1 && real != 0
                ? spec.signed(real < 0) + shortScientific(rounded, spec.precision)
                : general + ".0";
      }
      return spec.padNumber(rendering, general);
    }
    if ("eEfFgG".indexOf(type) < 0) {
      throw PyError.value("Unknown format code '" + type + "'");
    }
    spec.precision = spec.precision < 0 ? 6 : spec.precision;
    return spec.padNumber(rendering, real(rendering, spec, type, real));
  }

  private static String shortScientific(BigDecimal rounded, int precision) {
    String text = scientific(rounded, Math.max(0, precision - 1), false);
    int e = text.indexOf('e');
    return trimmed(text.substring(0, e)) + text.substring(e);
  }

  private static String string(Rendering rendering, Spec spec, String value) {
    if ((spec.type != 0 && spec.type != 's')
        || spec.sign != '-'
        || spec.alternate
        || spec.grouping != 0
        || spec.align == '=') {
      throw PyError.value("the format does not fit a string");
    }
    String text = spec.cut(rendering, value);
    if (spec.zero && spec.align == 0) {
      spec.fill = "0";
    }
    return spec.pad(rendering, text, '<');
  }

  private static Spec spec(String text) {
    Spec spec = new Spec();
    int at = 0;
    int first = Character.charCount(text.codePointAt(0));
    if (text.length() > first && "<>=^".indexOf(text.charAt(first)) >= 0) {
      spec.fill = text.substring(0, first);
      spec.align = text.charAt(first);
      at = first + 1;
    } else if ("<>=^".indexOf(text.charAt(0)) >= 0) {
      spec.align = text.charAt(0);
      at = 1;
    }
    if (at < text.length() && "+- ".indexOf(text.charAt(at)) >= 0) {
      spec.sign = text.charAt(at++);
    }
    if (at < text.length() && text.charAt(at) == '#') {
      spec.alternate = true;
      at++;
    }
    if (at < text.length() && text.charAt(at) == '0') {
      spec.zero = true;
      at++;
    }
    int start = at;
    at = digitsEnd(text, at);
    if (at > start) {
      spec.width = width(text.substring(start, at));
    }
    if (at < text.length() && (text.charAt(at) == ',' || text.charAt(at) == '_')) {
      spec.grouping = text.charAt(at++);
    }
    if (at < text.length() && text.charAt(at) == '.') {
      start = ++at;
      at = digitsEnd(text, at);
      if (at == start) {
        throw PyError.value("Format specifier missing precision");
      }
      spec.precision = width(text.substring(start, at));
    }
    if (at < text.length()) {
      spec.type = text.charAt(at++);
    }
    if (at < text.length()) {
      throw PyError.value("Invalid format specifier");
    }
    if (spec.grouping == ',' && "xXobcs".indexOf(spec.type) >= 0 && spec.type != 0) {
      throw PyError.value("Cannot specify ',' with '" + spec.type + "'.");
    }
    return spec;
  }

  private static int digitsEnd(String text, int start) {
    int at = start;
    while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
      at++;
    }
    return at;
  }

  private static int width(String digits) {
    if (digits.length() > 9) {
      throw PyError.value("Too many decimal digits in format string");
    }
    return checked(Integer.parseInt(digits));
  }
}
