package io.plumbline.spark.cli.options;

import io.plumbline.settings.DeclaredOption;
import io.plumbline.settings.SettingsOf;
import io.plumbline.settings.Texts;
import java.util.List;
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
 *     message continues from "--name is TEXT and ", such as "must be a whole number"
 * @param initial the text of the default, if there is one
 * @param words values that a shell offers; there may be others
 */
public record Setting<T>(
    String name,
    String label,
    String group,
    String help,
    Kind kind,
    Function<String, T> reader,
    Optional<String> initial,
    List<String> words) {

  public enum Kind {
    /** {@code --name VALUE}, once. */
    VALUE,
    /** {@code --name VALUE}, as often as needed. */
    REPEATED,
    /** {@code --name} alone. */
    FLAG,
    /** An argument without a name. */
    ARGUMENT
  }

  public static final String GENERAL = "Anywhere";

  private static final Pattern WORD = Pattern.compile("[a-z][a-z0-9_]*");
  private static final Pattern PATH = Pattern.compile("DIR|PATH|FILE|SOURCE");

  /** What a settings record declares. */
  @SuppressWarnings("unchecked")
  static <T> Setting<T> of(DeclaredOption option) {
    Kind kind =
        switch (option.kind()) {
          case VALUE -> Kind.VALUE;
          case REPEATED -> Kind.REPEATED;
          case FLAG -> Kind.FLAG;
        };
    return new Setting<>(
        option.name(),
        option.label(),
        option.heading(),
        option.help(),
        kind,
        text -> (T) option.reader().apply(text),
        option.standard(),
        option.words().isEmpty() ? wordsOf(option.label()) : option.words());
  }

  /** What a settings record declares by a name. */
  static <T> Setting<T> declared(Class<? extends Record> settings, String name) {
    return SettingsOf.type(settings).options().stream()
        .filter(option -> option.name().equals(name))
        .findFirst()
        .map(Setting::<T>of)
        .orElseThrow(() -> new IllegalArgumentException(settings + " has no option " + name));
  }

  static <T> Setting<T> value(
      String name, String label, String group, String help, Function<String, T> reader) {
    return new Setting<>(
        name, label, group, help, Kind.VALUE, reader, Optional.empty(), wordsOf(label));
  }

  public static Setting<String> text(String name, String label, String group, String help) {
    return value(name, label, group, help, Texts::notEmpty);
  }

  public static Setting<String> repeated(String name, String label, String group, String help) {
    return new Setting<>(
        name, label, group, help, Kind.REPEATED, Texts::notEmpty, Optional.empty(), wordsOf(label));
  }

  public static Setting<Boolean> flag(String name, String group, String help) {
    return new Setting<>(
        name, "", group, help, Kind.FLAG, Texts::truth, Optional.of("false"), List.of());
  }

  public static Setting<String> argument(String label, String help) {
    return new Setting<>(
        label, label, GENERAL, help, Kind.ARGUMENT, Texts::notEmpty, Optional.empty(), List.of());
  }

  public static Setting<Long> whole(String name, String group, String help, long least) {
    return value(name, "N", group, help, text -> Texts.wholeNumber(text, least, Long.MAX_VALUE));
  }

  public static Setting<Integer> count(String name, String group, String help, int least) {
    return value(
        name,
        "N",
        group,
        help,
        text -> Math.toIntExact(Texts.wholeNumber(text, least, Integer.MAX_VALUE)));
  }

  /** A number from {@code least} (included) to {@code most} (included). */
  public static Setting<Double> number(
      String name, String group, String help, double least, double most) {
    return value(name, "X", group, help, text -> Texts.realNumber(text, least, most));
  }

  /** A finite number above 0. */
  public static Setting<Double> positive(String name, String group, String help) {
    return value(name, "X", group, help, Texts::positiveNumber);
  }

  public static <E extends Enum<E>> Setting<E> choice(
      String name, String group, String help, Class<E> type) {
    String label =
        Stream.of(type.getEnumConstants()).map(Texts::word).collect(Collectors.joining("|"));
    return value(name, label, group, help, text -> Texts.constant(type, text));
  }

  public Setting<T> withInitial(String text) {
    return new Setting<>(name, label, group, help, kind, reader, Optional.of(text), words);
  }

  public Setting<T> withHelp(String other) {
    return new Setting<>(name, label, group, other, kind, reader, initial, words);
  }

  /** This setting with another way to read its text. */
  public Setting<T> withReader(Function<String, T> other) {
    return new Setting<>(name, label, group, help, kind, other, initial, words);
  }

  Setting<T> withGroup(String other) {
    return new Setting<>(name, label, other, help, kind, reader, initial, words);
  }

  public Setting<T> withLabel(String other) {
    return new Setting<>(name, other, group, help, kind, reader, initial, words);
  }

  public Setting<T> withWords(List<String> other) {
    return new Setting<>(name, label, group, help, kind, reader, initial, List.copyOf(other));
  }

  /** Whether a shell should offer files and directories. */
  public boolean takesPath() {
    return PATH.matcher(label).find();
  }

  /** What a label names as it is to be written, such as none in {@code N|none}. */
  private static List<String> wordsOf(String label) {
    return Stream.of(label.split("\\|", -1)).filter(part -> WORD.matcher(part).matches()).toList();
  }

  /** As it is written on the command line. */
  public String option() {
    return kind == Kind.ARGUMENT ? name : "--" + name;
  }
}
