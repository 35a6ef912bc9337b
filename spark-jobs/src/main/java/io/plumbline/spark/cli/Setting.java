package io.plumbline.spark.cli;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One thing that can be set on the command line or in a configuration file: its name, its help and
 * how its text becomes a value.
 *
 * @param name kebab-case, without dashes; for an argument that stands by itself, in capitals
 * @param label what stands for the value in help
 * @param group the heading in help under which it stands
 * @param help one or two sentences
 * @param reader turns text into a value; fails with an {@link IllegalArgumentException} whose
 *     message goes on from "--name is TEXT and ", such as "must be a whole number"
 * @param initial the text of the default, if there is one
 * @param words values that a shell offers; there may be others
 */
record Setting<T>(
    String name,
    String label,
    String group,
    String help,
    Kind kind,
    Function<String, T> reader,
    Optional<String> initial,
    List<String> words) {

  enum Kind {
    /** {@code --name VALUE}, once. */
    VALUE,
    /** {@code --name VALUE}, as often as needed. */
    REPEATED,
    /** {@code --name} alone. */
    FLAG,
    /** An argument without a name. */
    ARGUMENT
  }

  static final String GENERAL = "Anywhere";

  private static final Pattern WORD = Pattern.compile("[a-z][a-z0-9_]*");
  private static final Pattern PATH = Pattern.compile("DIR|PATH|FILE|SOURCE");

  static <T> Setting<T> value(
      String name, String label, String group, String help, Function<String, T> reader) {
    return new Setting<>(
        name, label, group, help, Kind.VALUE, reader, Optional.empty(), wordsOf(label));
  }

  static Setting<String> text(String name, String label, String group, String help) {
    return value(name, label, group, help, Setting::notEmpty);
  }

  static Setting<String> repeated(String name, String label, String group, String help) {
    return new Setting<>(
        name,
        label,
        group,
        help,
        Kind.REPEATED,
        Setting::notEmpty,
        Optional.empty(),
        wordsOf(label));
  }

  static Setting<Boolean> flag(String name, String group, String help) {
    return new Setting<>(
        name, "", group, help, Kind.FLAG, Setting::truth, Optional.of("false"), List.of());
  }

  static Setting<String> argument(String label, String help) {
    return new Setting<>(
        label, label, GENERAL, help, Kind.ARGUMENT, Setting::notEmpty, Optional.empty(), List.of());
  }

  static Setting<Long> whole(String name, String group, String help, long least) {
    return value(name, "N", group, help, text -> wholeNumber(text, least, Long.MAX_VALUE));
  }

  static Setting<Integer> count(String name, String group, String help, int least) {
    return value(
        name,
        "N",
        group,
        help,
        text -> Math.toIntExact(wholeNumber(text, least, Integer.MAX_VALUE)));
  }

  /** A number from {@code least} (included) to {@code most} (included). */
  static Setting<Double> number(String name, String group, String help, double least, double most) {
    return value(name, "X", group, help, text -> realNumber(text, least, most));
  }

  /** A finite number above 0. */
  static Setting<Double> positive(String name, String group, String help) {
    return value(
        name,
        "X",
        group,
        help,
        text -> {
          try {
            double number = Double.parseDouble(text);
            if (number > 0 && Double.isFinite(number)) {
              return number;
            }
          } catch (NumberFormatException e) {
            throw new IllegalArgumentException("must be a number above 0", e);
          }
          throw new IllegalArgumentException("must be a number above 0");
        });
  }

  static <E extends Enum<E>> Setting<E> choice(
      String name, String group, String help, Class<E> type) {
    String label =
        Stream.of(type.getEnumConstants()).map(Setting::word).collect(Collectors.joining("|"));
    return value(name, label, group, help, text -> constant(type, text));
  }

  Setting<T> withInitial(String text) {
    return new Setting<>(name, label, group, help, kind, reader, Optional.of(text), words);
  }

  Setting<T> withHelp(String other) {
    return new Setting<>(name, label, group, other, kind, reader, initial, words);
  }

  Setting<T> withGroup(String other) {
    return new Setting<>(name, label, other, help, kind, reader, initial, words);
  }

  Setting<T> withLabel(String other) {
    return new Setting<>(name, other, group, help, kind, reader, initial, words);
  }

  Setting<T> withWords(List<String> other) {
    return new Setting<>(name, label, group, help, kind, reader, initial, List.copyOf(other));
  }

  /** Whether a shell should offer files and directories. */
  boolean takesPath() {
    return PATH.matcher(label).find();
  }

  /** What a label names as it is to be written, such as none in {@code N|none}. */
  private static List<String> wordsOf(String label) {
    return Stream.of(label.split("\\|", -1)).filter(part -> WORD.matcher(part).matches()).toList();
  }

  /** As it is written on the command line. */
  String option() {
    return kind == Kind.ARGUMENT ? name : "--" + name;
  }

  private static String notEmpty(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("must not be empty");
    }
    return text;
  }

  private static Boolean truth(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true", "yes", "on" -> true;
      case "false", "no", "off" -> false;
      default -> throw new IllegalArgumentException("must be true or false");
    };
  }

  static long wholeNumber(String text, long least, long most) {
    String wanted =
        "must be a whole number"
            + (least == Long.MIN_VALUE ? "" : " of at least " + least)
            + (most >= Integer.MAX_VALUE ? "" : " and at most " + most);
    long number;
    try {
      number = Long.parseLong(text.replace("_", ""));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    if (number < least || number > most) {
      throw new IllegalArgumentException(wanted);
    }
    return number;
  }

  static double realNumber(String text, double least, double most) {
    String wanted =
        "must be a number"
            + (Double.isInfinite(least) ? "" : " of at least " + plain(least))
            + (Double.isInfinite(most) ? "" : " and at most " + plain(most));
    double number;
    try {
      number = Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(wanted, e);
    }
    if (!Double.isFinite(number) || number < least || number > most) {
      throw new IllegalArgumentException(wanted);
    }
    return number;
  }

  private static String plain(double number) {
    return number == Math.rint(number) && Math.abs(number) < 1e9
        ? Long.toString((long) number)
        : Double.toString(number);
  }

  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String text) {
    String wanted = text.toLowerCase(Locale.ROOT).replace('-', '_');
    for (E constant : type.getEnumConstants()) {
      if (word(constant).equals(wanted)) {
        return constant;
      }
    }
    List<String> words = Stream.of(type.getEnumConstants()).map(Setting::word).toList();
    throw new IllegalArgumentException("must be one of " + String.join(", ", words));
  }
}
