package io.plumbline.reward.answer;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an answer says, as far as it is understood.
 *
 * @param text as it is written
 * @param value as a whole: 2 m is twice m
 * @param measured the number before a unit: 2 m is 2
 * @param unit that of {@code measured} where it is one that has a name of its own; else empty
 * @param clock the time of day
 */
record AnswerReading(
    String text,
    Optional<MathValue> value,
    Optional<MathValue> measured,
    String unit,
    Optional<ClockTime> clock) {
  /** Longer ones are no answers but texts in which one may stand. */
  static final int MOST_CHARACTERS = 1_000;

  private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}]+");

  private static final Pattern NAME =
      Pattern.compile("\\\\?\\p{L}[\\w ]{0,20}(?:\\((?:\\p{L}|-?\\d{1,9})\\))? ?= ?(?!=)");

  /** What says nothing of a value. */
  private static final Pattern BEFORE =
      Pattern.compile("^(?:(?:=|~|\\\\approx|(?i:about|approximately|exactly|roughly)\\b) ?)++");

  private static final Pattern CURRENCY_BEFORE =
      Pattern.compile("(?:USD|EUR|GBP|INR|US|Rs\\.?) ?(?=[\\d$.])");

  private static final Pattern DECIMAL_COMMA =
      Pattern.compile("(-?(?:[1-9]\\d{0,2}(?:\\.\\d{3})++|\\d{1,20})),(\\d{1,2}|\\d{4,20})\\.?");

  /** Words, powers, degrees: what may follow a number without being a part of it. */
  private static final Pattern UNIT =
      Pattern.compile(
          "(?: |-|\\^\\{?\\\\circ ?\\}?)?[\\p{L} ./'{}-]*+(?:\\^?\\{?[23]\\}?)?+(?: ?/"
              + " ?[\\p{L}]++)?+(?: ?\\([\\p{L} -]*+\\))?+[.!]*+");

  /** Letters that are units more often than what a number is multiplied with. */
  private static final Set<String> UNIT_LETTERS =
      Set.of("m", "g", "s", "h", "l", "L", "W", "V", "J", "N", "C", "F", "K");

  /** Words that say that more is to come than a unit. */
  private static final Set<String> NO_UNIT =
      Set.of(
          "or", "and", "to", "plus", "minus", "times", "over", "than", "not", "mod", "is", "was");

  private static final Map<String, String> UNITS = new TreeMap<>();

  static {
    for (List<String> names :
        List.of(
            List.of("m", "meter", "metre"),
            List.of("cm", "centimeter", "centimetre"),
            List.of("km", "kilometer", "kilometre"),
            List.of("mm", "millimeter", "millimetre"),
            List.of("in", "inch", "inche"),
            List.of("ft", "foot", "feet"),
            List.of("yd", "yard"),
            List.of("mi", "mile"),
            List.of("mg", "milligram"),
            List.of("g", "gram"),
            List.of("kg", "kilogram", "kilo"),
            List.of("lb", "pound"),
            List.of("oz", "ounce"),
            List.of("s", "sec", "second"),
            List.of("min", "minute"),
            List.of("h", "hr", "hour"),
            List.of("day"),
            List.of("week"),
            List.of("month"),
            List.of("year"),
            List.of("ml", "milliliter", "millilitre"),
            List.of("l", "liter", "litre"),
            List.of("dollar", "usd"),
            List.of("cent"),
            List.of("euro", "eur"),
            List.of("pm"),
            List.of("am"))) {
      names.forEach(name -> UNITS.put(name, names.get(0)));
    }
  }

  static AnswerReading of(String text) {
    if (text.length() > MOST_CHARACTERS) {
      return new AnswerReading(text, Optional.empty(), Optional.empty(), "", Optional.empty());
    }
    String plain = BEFORE.matcher(AnswerText.plain(text).strip()).replaceFirst("");
    Optional<MathValue> value = MathReader.read(plain);
    Matcher named = NAME.matcher(plain);
    String name = named.lookingAt() ? named.group() : "";
    String written = plain.substring(name.length());
    String amount = CURRENCY_BEFORE.matcher(written).replaceFirst("");
    int end = FinalAnswer.endOfLeadingNumber(amount);
    String rest = amount.substring(end);
    boolean bare = rest.isBlank() && amount.equals(written);
    Optional<MathValue> measured =
        end == 0 || bare || !isUnit(rest)
            ? Optional.empty()
            : MathReader.read(name + amount.substring(0, end) + factor(rest));
    return new AnswerReading(
        text, value, measured, measured.isPresent() ? unit(rest) : "", ClockTime.read(plain));
  }

  /** What a word behind a number makes of it. */
  private static String factor(String rest) {
    List<String> words = words(rest);
    String first = words.isEmpty() ? "" : words.get(0).toLowerCase(Locale.ROOT);
    return switch (first) {
      case "percent" -> "%";
      case "thousand" -> " * 10^3";
      case "million" -> " * 10^6";
      case "billion" -> " * 10^9";
      case "trillion" -> " * 10^{12}";
      default -> "";
    };
  }

  private static boolean isUnit(String rest) {
    // 10! is a factorial.
    if (rest.startsWith("!") || !UNIT.matcher(rest).matches()) {
      return false;
    }
    List<String> words = words(rest);
    if (words.stream().anyMatch(word -> word.length() == 1 && !UNIT_LETTERS.contains(word))
        || words.stream().anyMatch(NO_UNIT::contains)) {
      return false;
    }
    boolean attached = !rest.isEmpty() && Character.isLetter(rest.charAt(0));
    return !attached || words.get(0).length() > 3 || UNITS.containsKey(singular(words.get(0)));
  }

  private static List<String> words(String rest) {
    return BETWEEN_WORDS
        .splitAsStream(rest.replace("\\circ", ""))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  private static String singular(String word) {
    String small = word.toLowerCase(Locale.ROOT);
    return small.length() > 2 && small.endsWith("s")
        ? small.substring(0, small.length() - 1)
        : small;
  }

  /** The unit's one name; empty where one of its words is something else. */
  private static String unit(String rest) {
    StringBuilder unit = new StringBuilder();
    for (String word : words(rest)) {
      String known = UNITS.get(singular(word));
      if (known == null && !word.equals("per")) {
        return "";
      }
      unit.append(known == null ? "/" : known);
    }
    if (rest.contains("/")) {
      return unit.toString();
    }
    return rest.contains("2") ? unit + "2" : rest.contains("3") ? unit + "3" : unit.toString();
  }

  /** Whether this is a number, with or without a unit. */
  boolean isNumber() {
    return measured.isPresent() || (value.isPresent() && isNumber(value.get()));
  }

  private static boolean isNumber(MathValue value) {
    return value instanceof MathValue.Named named
        ? isNumber(named.value())
        : value instanceof MathValue.Scalar scalar && !scalar.of().variables();
  }

  /** Whether both say the same. */
  boolean says(AnswerReading other, Tolerance tolerance) {
    if (sameWriting(other)) {
      return true;
    }
    if (clock.isPresent() && other.clock.isPresent()) {
      return clock.get().isSame(other.clock.get());
    }
    if (isHour(other) || other.isHour(this)) {
      return true;
    }
    if (value.isPresent()
        && other.value.isPresent()
        && MathValue.same(value.get(), other.value.get(), tolerance)) {
      return true;
    }
    if (writesDecimalComma(other, tolerance)) {
      return true;
    }
    if (measured.isPresent() || other.measured.isPresent()) {
      Optional<MathValue> own = measured.or(() -> value);
      Optional<MathValue> others = other.measured.or(() -> other.value);
      boolean apart = !unit.isEmpty() && !other.unit.isEmpty() && !unit.equals(other.unit);
      return !apart
          && own.isPresent()
          && others.isPresent()
          && MathValue.same(own.get(), others.get(), tolerance);
    }
    boolean words = value.isEmpty() || other.value.isEmpty();
    return words && !isNumber() && !other.isNumber() && AnswerWords.same(text, other.text);
  }

  /** 8 for 8:00. */
  private boolean isHour(AnswerReading other) {
    return clock.isPresent()
        && clock.get().isFullHour()
        && other.value.filter(hour -> isHour(hour, clock.get().hour())).isPresent();
  }

  private static boolean isHour(MathValue value, int hour) {
    return value instanceof MathValue.Scalar scalar
        && scalar.of().isNear(Quantity.of(hour), Tolerance.EXACT);
  }

  /**
   * 3,5 for 3.5 and 1.234,5 for 1234.5: a comma that parts no thousands, where no list is right.
   */
  private boolean writesDecimalComma(AnswerReading other, Tolerance tolerance) {
    if (value.isEmpty() || !isNumber(value.get())) {
      return false;
    }
    Matcher written = DECIMAL_COMMA.matcher(AnswerText.plain(other.text).strip());
    return written.matches()
        && MathReader.read(written.group(1).replace(".", "") + "." + written.group(2))
            .filter(decimal -> MathValue.same(value.get(), decimal, tolerance))
            .isPresent();
  }

  /** Numbers that are too large to be calculated with are their digits. */
  private boolean sameWriting(AnswerReading other) {
    return text.strip().equals(other.text.strip());
  }
}
