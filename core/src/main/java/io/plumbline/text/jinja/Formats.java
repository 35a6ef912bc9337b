package io.plumbline.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;
import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Python's ways to lay out values: the percent operator, format() and strftime. */
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
      StringBuilder out = new StringBuilder();
      while (at < format.length()) {
        int next = format.indexOf('%', at);
        if (next < 0) {
          next = format.length();
        }
        rendering.append(out, format.substring(at, next));
        at = next + 1;
        if (next < format.length()) {
          rendering.append(out, directive());
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
      return out.toString();
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
        value = dict.find(key);
        if (value == Values.MISSING) {
          throw PyError.lookup("no key '" + key + "' for the format");
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
            text = asciiOnly(text);
          }
          if (spec.precision >= 0 && spec.precision < Strings.count(text)) {
            text = Strings.slice(text, Strings.count(text), 0, spec.precision, 1);
          }
          return spec.pad(rendering, text, '>');
        }
        case 'c' -> {
          String text;
          if (Values.isString(value)) {
            text = Values.text(value);
            if (Strings.count(text) != 1) {
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
          return spec.padNumber(rendering, real(spec, type, Numbers.real(value)));
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
    return Numbers.normalize(new BigDecimal(real).toBigInteger());
  }

  private static String asciiOnly(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              if (c < 128) {
                out.append((char) c);
              } else {
                out.append(
                    String.format(c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
              }
            });
    return out.toString();
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
      int missing = width - Strings.count(text);
      if (missing <= 0) {
        return text;
      }
      rendering.charge((long) missing + text.length());
      char side = align == 0 ? defaultAlign : align;
      int before = side == '<' ? 0 : side == '^' ? missing / 2 : missing;
      return fill.repeat(before) + text + fill.repeat(missing - before);
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
      rendering.charge((long) missing + number.length());
      if (grouping != 0 && filler.equals("0")) {
        return head + groupedZeros(digits, width - signs);
      }
      return head + filler.repeat(missing) + digits;
    }

    private String groupedZeros(String digits, int wanted) {
      int end = 0;
      while (end < digits.length()
          && (Character.isDigit(digits.charAt(end)) || digits.charAt(end) == grouping)) {
        end++;
      }
      String whole = digits.substring(0, end).replace(String.valueOf(grouping), "");
      String rest = digits.substring(end);
      String padded = grouped(whole);
      while (padded.length() + rest.length() < wanted) {
        whole = "0" + whole;
        padded = grouped(whole);
      }
      return padded + rest;
    }

    String grouped(String digits) {
      if (grouping == 0) {
        return digits;
      }
      int size = type == 'x' || type == 'X' || type == 'o' || type == 'b' ? 4 : 3;
      StringBuilder out = new StringBuilder(digits);
      for (int i = digits.length() - size; i > 0; i -= size) {
        out.insert(i, grouping);
      }
      return out.toString();
    }

    String signed(boolean negative) {
      return negative ? "-" : sign == '+' ? "+" : sign == ' ' ? " " : "";
    }
  }

  private static String integer(Rendering rendering, Spec spec, char type, Object value) {
    BigInteger big = Numbers.big(value);
    BigInteger magnitude = big.abs();
    String digits =
        switch (type) {
          case 'x' -> magnitude.toString(16);
          case 'X' -> magnitude.toString(16).toUpperCase(Locale.ROOT);
          case 'o' -> magnitude.toString(8);
          case 'b' -> magnitude.toString(2);
          default -> Numbers.decimal(Numbers.normalize(magnitude));
        };
    if (spec.precision > digits.length()) {
      digits = "0".repeat(spec.precision - digits.length()) + digits;
    }
    String prefix = spec.alternate && type != 'd' ? "0" + type : "";
    return spec.padNumber(rendering, spec.signed(big.signum() < 0) + prefix + spec.grouped(digits));
  }

  private static String real(Spec spec, char type, double value) {
    boolean negative = value < 0 || (value == 0 && 1 / value < 0);
    boolean upper = Character.isUpperCase(type);
    String text;
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      text = Double.isNaN(value) ? "nan" : "inf";
      negative = value < 0;
    } else {
      BigDecimal exact = new BigDecimal(Math.abs(value));
      text =
          switch (Character.toLowerCase(type)) {
            case 'f' -> fixed(spec, exact);
            case 'e' -> scientific(exact, spec.precision, spec.alternate);
            default -> general(spec, exact);
          };
    }
    return spec.signed(negative) + (upper ? text.toUpperCase(Locale.ROOT) : text);
  }

  private static String fixed(Spec spec, BigDecimal exact) {
    String text = exact.setScale(spec.precision, RoundingMode.HALF_EVEN).toPlainString();
    int point = text.indexOf('.');
    String grouped = spec.grouped(point < 0 ? text : text.substring(0, point));
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

  private static String general(Spec spec, BigDecimal exact) {
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
    String text =
        rounded
            .setScale(Math.max(0, precision - 1 - exponent), RoundingMode.HALF_EVEN)
            .toPlainString();
    if (!spec.alternate) {
      text = trimmed(text);
    }
    int point = text.indexOf('.');
    return spec.grouped(point < 0 ? text : text.substring(0, point))
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
      StringBuilder out = new StringBuilder();
      int at = 0;
      while (at < format.length()) {
        char c = format.charAt(at++);
        if (c != '{' && c != '}') {
          out.append(c);
          continue;
        }
        if (at < format.length() && format.charAt(at) == c) {
          out.append(c);
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
        rendering.append(out, field(format.substring(start, at - 1), depth));
      }
      return out.toString();
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
            case 'a' -> asciiOnly(Values.repr(rendering, value));
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
          throw PyError.lookup("no argument '" + first + "' for the format");
        }
        value = arguments.named().get(first);
      }
      while (end < name.length()) {
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
      return spec.padNumber(rendering, real(spec, 'f', real * 100) + "%");
    }
    if (type == 0 || type == 'n') {
      if (spec.precision < 0 && type == 0) {
        String plain = Numbers.repr(real);
        boolean negative = plain.startsWith("-");
        String digits = negative ? plain.substring(1) : plain;
        int point = digits.indexOf('.');
        if (point > 0 && digits.indexOf('e') < 0) {
          digits = spec.grouped(digits.substring(0, point)) + digits.substring(point);
        }
        return spec.padNumber(rendering, spec.signed(negative) + digits);
      }
      spec.precision = spec.precision < 0 ? 6 : spec.precision;
      String general = real(spec, 'g', real);
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
    return spec.padNumber(rendering, real(spec, type, real));
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
    String text = value;
    if (spec.precision >= 0 && spec.precision < Strings.count(text)) {
      text = Strings.slice(text, Strings.count(text), 0, spec.precision, 1);
    }
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

  // strftime

  private static final Map<Character, String> COMPOSED =
      Map.of(
          'c', "%a %b %e %H:%M:%S %Y",
          'D', "%m/%d/%y",
          'F', "%Y-%m-%d",
          'R', "%H:%M",
          'T', "%H:%M:%S",
          'X', "%H:%M:%S",
          'x', "%m/%d/%y",
          'r', "%I:%M:%S %p",
          'h', "%b");

  /** strftime in the C locale. */
  static String time(LocalDateTime now, String format) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 >= format.length()) {
        out.append(c);
        continue;
      }
      c = format.charAt(++i);
      boolean bare = c == '-' && i + 1 < format.length();
      if (bare) {
        c = format.charAt(++i);
      }
      if (COMPOSED.containsKey(c)) {
        out.append(time(now, COMPOSED.get(c)));
        continue;
      }
      int hour12 = now.getHour() % 12 == 0 ? 12 : now.getHour() % 12;
      int sunday = (now.getDayOfYear() + 6 - now.getDayOfWeek().getValue() % 7) / 7;
      int monday = (now.getDayOfYear() + 6 - (now.getDayOfWeek().getValue() - 1)) / 7;
      String text =
          switch (c) {
            case 'Y' -> Integer.toString(now.getYear());
            case 'G' -> Integer.toString(now.get(IsoFields.WEEK_BASED_YEAR));
            case 'C' -> padded(now.getYear() / 100, 2, bare);
            case 'y' -> padded(now.getYear() % 100, 2, bare);
            case 'm' -> padded(now.getMonthValue(), 2, bare);
            case 'd' -> padded(now.getDayOfMonth(), 2, bare);
            case 'e' -> String.format(bare ? "%d" : "%2d", now.getDayOfMonth());
            case 'H' -> padded(now.getHour(), 2, bare);
            case 'k' -> String.format(bare ? "%d" : "%2d", now.getHour());
            case 'I' -> padded(hour12, 2, bare);
            case 'l' -> String.format(bare ? "%d" : "%2d", hour12);
            case 'M' -> padded(now.getMinute(), 2, bare);
            case 'S' -> padded(now.getSecond(), 2, bare);
            case 'f' -> padded(now.get(ChronoField.MICRO_OF_SECOND), 6, false);
            case 'j' -> padded(now.getDayOfYear(), 3, bare);
            case 'U' -> padded(sunday, 2, bare);
            case 'W' -> padded(monday, 2, bare);
            case 'V' -> padded(now.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, bare);
            case 'u' -> Integer.toString(now.getDayOfWeek().getValue());
            case 'w' -> Integer.toString(now.getDayOfWeek().getValue() % 7);
            case 'p' -> now.getHour() < 12 ? "AM" : "PM";
            case 'P' -> now.getHour() < 12 ? "am" : "pm";
            case 'A' -> now.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'a' -> now.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'B' -> now.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b' -> now.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'Z', 'z' -> "";
            case 'n' -> "\n";
            case 't' -> "\t";
            case '%' -> "%";
            default -> "%" + (bare ? "-" : "") + c;
          };
      out.append(text);
    }
    return out.toString();
  }

  private static String padded(int value, int digits, boolean bare) {
    return bare ? Integer.toString(value) : String.format("%0" + digits + "d", value);
  }
}
