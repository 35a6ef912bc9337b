package io.plumbline.settings;

import java.lang.reflect.AnnotatedElement;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * An option as a record's component declares it.
 *
 * @param name kebab-case, without dashes
 * @param label what stands for the value in help; empty for a flag
 * @param reader turns one text into a value; fails with an {@link IllegalArgumentException} whose
 *     message continues from "--name is TEXT and "
 * @param standard the text of the value where none is given
 * @param words that a shell offers beside those of the label
 * @param declaration what else the annotation says
 */
public record DeclaredOption(
    String name,
    String label,
    String heading,
    String help,
    Kind kind,
    Function<String, Object> reader,
    Optional<String> standard,
    List<String> words,
    Option declaration) {

  /** How often it is given, and whether with a value. */
  public enum Kind {
    VALUE,
    REPEATED,
    FLAG
  }

  static DeclaredOption of(String name, Option option, String heading, OptionType type) {
    return new DeclaredOption(
        name,
        option.label().isEmpty() ? type.label() : option.label(),
        option.heading().isEmpty() ? heading : option.heading(),
        option.help(),
        type.kind(),
        type.reader(),
        type.kind() == Kind.FLAG
            ? Optional.of("false")
            : Optional.of(option.standard()).filter(text -> !text.isEmpty()),
        List.of(option.words()),
        option);
  }

  /** Options with what the annotations of a component or a class have otherwise. */
  public static List<DeclaredOption> varied(List<DeclaredOption> options, AnnotatedElement by) {
    Varied[] all = by.getAnnotationsByType(Varied.class);
    return options.stream().map(option -> option.varied(all)).toList();
  }

  /** Options that the annotations of a component or a class leave. */
  public static List<DeclaredOption> offered(List<DeclaredOption> options, AnnotatedElement by) {
    Without without = by.getAnnotation(Without.class);
    List<String> left = without == null ? List.of() : List.of(without.value());
    return options.stream().filter(option -> !left.contains(option.name())).toList();
  }

  /** Options under the heading that the annotation of a component names, if there is one. */
  static List<DeclaredOption> headed(List<DeclaredOption> options, AnnotatedElement by) {
    Heading other = by.getAnnotation(Heading.class);
    return other == null
        ? options
        : options.stream().map(option -> option.under(other.value())).toList();
  }

  private DeclaredOption under(String other) {
    return new DeclaredOption(name, label, other, help, kind, reader, standard, words, declaration);
  }

  /** The standard value, or nothing. */
  public List<Object> standardValues() {
    return standard.map(reader).stream().toList();
  }

  private DeclaredOption varied(Varied... all) {
    DeclaredOption option = this;
    for (Varied varied : all) {
      if (varied.option().equals(name)) {
        option = option.with(varied);
      }
    }
    return option;
  }

  private DeclaredOption with(Varied varied) {
    String base = varied.help().isEmpty() ? help : varied.help();
    Function<String, Object> read =
        Double.isInfinite(varied.min())
            ? reader
            : text -> Math.toIntExact(Texts.wholeNumber(text, (long) varied.min(), Long.MAX_VALUE));
    return new DeclaredOption(
        name,
        label,
        heading,
        (varied.word().isEmpty() ? base : base.replace(varied.word(), varied.by())) + varied.also(),
        kind,
        read,
        varied.standard().isEmpty() ? standard : Optional.of(varied.standard()),
        words,
        declaration);
  }
}
