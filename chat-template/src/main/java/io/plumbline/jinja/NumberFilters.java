package io.plumbline.jinja;

import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Filters that make numbers, or show them. */
final class NumberFilters {
  private NumberFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    all.put("abs", NumberFilters::absolute);
    all.put("float", NumberFilters::toFloat);
    all.put("int", NumberFilters::toInt);
    all.put("round", NumberFilters::round);
    all.put("filesizeformat", NumberFilters::fileSize);
  }

  private static Object absolute(Rendering rendering, Object value, Arguments arguments) {
    arguments.bindPositional("abs", 0, 0);
    Undefined.refuse(value);
    if (!Numbers.isNumber(value)) {
      throw PyError.type("bad operand type for abs(): '%s'", value);
    }
    return Numbers.absolute(value);
  }

  private static Object toInt(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("int", 0, "default", "base");
    int base = Strings.integer(Arguments.or(bound[1], 10L));
    Object otherwise = Arguments.or(bound[0], 0L);
    Undefined.refuse(value);
    if (Numbers.isInteger(value)) {
      return Operators.positive(value);
    }
    if (value instanceof Double real) {
      return real.isNaN() ? otherwise : (Object) Numbers.truncated(real);
    }
    if (!Values.isString(value)) {
      return otherwise;
    }
    Optional<Long> whole = Numerals.whole(rendering, Values.text(value), base);
    if (whole.isPresent()) {
      return whole.get();
    }
    Optional<Double> real =
        Numerals.real(rendering, Values.text(value))
            .filter(number -> !number.isNaN() && !number.isInfinite());
    return real.isPresent() ? (Object) Numbers.truncated(real.get()) : otherwise;
  }

  private static Object toFloat(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("float", 0, "default");
    Undefined.refuse(value);
    Optional<Double> real = real(rendering, value);
    return real.isPresent() ? real.get() : Arguments.or(bound[0], 0.0);
  }

  private static Optional<Double> real(Rendering rendering, Object value) {
    if (Numbers.isNumber(value)) {
      return Optional.of(Numbers.real(value));
    }
    return Values.isString(value) ? Numerals.real(rendering, Values.text(value)) : Optional.empty();
  }

  private static Object round(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("round", 0, "precision", "method");
    Object precision = Arguments.or(bound[0], 0L);
    Object method = Arguments.or(bound[1], "common");
    if (!(method instanceof String name) || !Set.of("common", "ceil", "floor").contains(name)) {
      throw PyError.of("the method of round must be common, ceil or floor");
    }
    Undefined.refuse(value);
    if (!Numbers.isNumber(value)) {
      throw PyError.type("type %s cannot be rounded", value);
    }
    if (name.equals("common")) {
      if (precision == null) {
        return value instanceof Double real
            ? (Object) Numbers.truncated(Math.rint(real))
            : Operators.positive(value);
      }
      return Numbers.rounded(rendering, value, Strings.integer(precision));
    }
    if (!Numbers.isNumber(precision)) {
      throw PyError.type("a number is required, not %s", precision);
    }
    Object factor = Numbers.binary(rendering, "**", 10L, precision);
    double scaled = Numbers.real(Numbers.binary(rendering, "*", value, factor));
    double whole = name.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled);
    return Numbers.binary(rendering, "/", Numbers.truncated(whole), factor);
  }

  private static Object fileSize(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("filesizeformat", 0, "binary");
    boolean binary = Arguments.flag(rendering, bound[0]);
    double bytes =
        real(rendering, value).orElseThrow(() -> PyError.of("filesizeformat needs a number"));
    double base = binary ? 1024 : 1000;
    if (bytes == 1) {
      return "1 Byte";
    }
    if (bytes < base) {
      return Numbers.truncated(bytes) + " Bytes";
    }
    String units = "KMGTPEZY";
    int last = 0;
    while (last < units.length() - 1 && bytes >= Math.pow(base, last + 2.0)) {
      last++;
    }
    String shown = Formats.fixed(rendering, base * bytes / Math.pow(base, last + 2.0), 1);
    String unit = last == 0 && !binary ? "k" : units.substring(last, last + 1);
    return shown + " " + unit + (binary ? "iB" : "B");
  }
}
