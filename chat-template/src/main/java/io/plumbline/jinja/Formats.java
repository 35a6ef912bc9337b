package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The two ways to fill in values that Jinja2's documentation shows: {@code "%s" % x}, which is the
 * filter {@code format} too, and {@code "{}".format(x)}.
 */
final class Formats {
  /** A key, digits behind the point, and a type. */
  private static final Pattern PERCENT =
      Pattern.compile("%(?:\\(([^()]*)\\))?(?:\\.(\\d{1,3}))?([srdif%])");

  private Formats() {}

  /** Python's {@code %} on a text, with the types s, r, d, i and f. */
  static String percent(Rendering rendering, String format, Object argument) {
    rendering.read(2L * format.length());
    List<Object> values =
        argument instanceof Tuple tuple ? tuple.items() : Collections.singletonList(argument);
    TextBuilder out = new TextBuilder(rendering);
    Matcher matcher = PERCENT.matcher(format);
    int used = 0;
    boolean mapped = false;
    int at = 0;
    for (int next = format.indexOf('%'); next >= 0; next = format.indexOf('%', at)) {
      rendering.spend(20);
      out.add(format, at, next);
      matcher.region(next, format.length());
      if (!matcher.lookingAt() || (matcher.group(2) != null && !matcher.group(3).equals("f"))) {
        throw unsupported(format.substring(next, Math.min(format.length(), next + 20)));
      }
      at = matcher.end();
      Object value = null;
      if (matcher.group(1) != null) {
        mapped = true;
        value = mapped(rendering, argument, matcher.group(1));
      } else if (!matcher.group(3).equals("%")) {
        if (used >= values.size()) {
          throw PyError.type("not enough arguments for format string");
        }
        value = values.get(used++);
      }
      out.add(matcher.group(3).equals("%") ? "%" : laidOut(rendering, matcher, value));
    }
    boolean mapping =
        argument instanceof PyDict
            || argument instanceof List
            || argument instanceof Undefined
            || argument instanceof PyRange;
    if (!mapped && !mapping && used < values.size()) {
      throw PyError.type("not all arguments converted during string formatting");
    }
    return out.add(format, at, format.length()).build();
  }

  private static PyError unsupported(String format) {
    return Unsupported.of(
        "the format '" + PyError.shown(format) + "' is",
        "supported are %s, %r, %d, %i, %f, %.2f, %(name)s and %%");
  }

  private static Object mapped(Rendering rendering, Object argument, String key) {
    if (!(argument instanceof PyDict dict)) {
      throw PyError.type("format requires a mapping");
    }
    Object value = dict.find(rendering, key);
    if (value == Values.MISSING) {
      throw PyError.of("no key '" + PyError.shown(key) + "' for the format");
    }
    return value;
  }

  private static String laidOut(Rendering rendering, Matcher directive, Object value) {
    switch (directive.group(3)) {
      case "s" -> {
        return Values.str(rendering, value);
      }
      case "r" -> {
        return Printing.repr(rendering, value);
      }
      default -> {
        Undefined.refuse(value);
        if (!Numbers.isNumber(value)) {
          throw PyError.type("a format for numbers cannot show %s", value);
        }
        if (directive.group(3).equals("f")) {
          String digits = directive.group(2);
          return fixed(
              rendering, Numbers.real(value), digits == null ? 6 : Integer.parseInt(digits));
        }
        Object whole = value instanceof Double real ? Numbers.truncated(real) : value;
        return Numbers.decimal(rendering, whole);
      }
    }
  }

  /** A double with so many digits behind the point. */
  static String fixed(Rendering rendering, double real, int digits) {
    if (Double.isNaN(real)) {
      return "nan";
    }
    if (Double.isInfinite(real)) {
      return real > 0 ? "inf" : "-inf";
    }
    rendering.spend(1_000);
    BigDecimal rounded = new BigDecimal(Math.abs(real)).setScale(digits, RoundingMode.HALF_EVEN);
    boolean negative = real < 0 || 1 / real < 0;
    return (negative ? "-" : "") + rounded.toPlainString();
  }

  /** Python's {@code format} of a text, with fields that are empty, a number or a name. */
  static String format(Rendering rendering, String format, Arguments arguments) {
    rendering.read(4L * format.length());
    TextBuilder out = new TextBuilder(rendering);
    int automatic = 0;
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
      int end = format.indexOf('}', at);
      if (c == '}' || end < 0) {
        throw PyError.of("a single '" + c + "' in a format string");
      }
      rendering.spend(10);
      String field = format.substring(at, end);
      rendering.makeText(field.length());
      Object value = field(field.isEmpty() ? "" + automatic++ : field, arguments);
      out.add(Values.str(rendering, value));
      at = end + 1;
    }
    return out.build();
  }

  private static Object field(String field, Arguments arguments) {
    if (Characters.isIdentifier(field)) {
      if (!arguments.named().containsKey(field)) {
        throw PyError.of("no argument '" + PyError.shown(field) + "' for the format");
      }
      return arguments.named().get(field);
    }
    if (!field.matches("[0-9]{1,9}")) {
      throw Unsupported.of(
          "the field '{" + PyError.shown(field) + "}' of a format is",
          "supported are {}, {0} and {name}");
    }
    int index = Integer.parseInt(field);
    if (index >= arguments.positional().size()) {
      throw PyError.of("Replacement index " + index + " out of range");
    }
    return arguments.positional().get(index);
  }
}
