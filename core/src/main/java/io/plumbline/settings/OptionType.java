package io.plumbline.settings;

import io.plumbline.settings.DeclaredOption.Kind;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How the texts of an option become what a component of some type holds, and the other way round.
 *
 * @param label what stands for the value in help where the option says nothing else
 * @param reader turns one text into a value
 * @param holder makes what the component holds of the values that are given
 * @param recorded what a run's record has of what the component holds; empty for nothing
 */
record OptionType(
    String label,
    Kind kind,
    Function<String, Object> reader,
    Function<List<Object>, Object> holder,
    Function<Object, Optional<Object>> recorded) {
  private static final String NONE = "none";

  static OptionType of(RecordComponent component, Option option) {
    Class<?> type = component.getType();
    if (type == boolean.class) {
      return new OptionType("", Kind.FLAG, Texts::truth, OptionType::last, Optional::of);
    }
    if (type.isEnum() && !option.flag().isEmpty()) {
      return flag(List.of(type.getEnumConstants()), option.flag());
    }
    if (type == List.class) {
      return list(argument(component), option);
    }
    if (type == OptionalInt.class || type == OptionalLong.class || type == Optional.class) {
      return optional(component, option);
    }
    OptionType scalar = scalar(type, option);
    if (option.absent().isEmpty()) {
      return scalar;
    }
    Object absent = absent(type, option.absent());
    return new OptionType(
        scalar.label(),
        Kind.VALUE,
        scalar.reader(),
        values -> values.isEmpty() ? absent : last(values),
        value ->
            !type.isEnum() && value.equals(absent)
                ? Optional.empty()
                : scalar.recorded().apply(value));
  }

  /** What stands for nothing is often no value that could be given. */
  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Object absent(Class<?> type, String text) {
    if (type.isEnum()) {
      return Texts.constant((Class) type, text);
    }
    double number = Double.parseDouble(text);
    if (type == int.class) {
      return (int) number;
    }
    return type == long.class ? (Object) (long) number : (Object) number;
  }

  private static OptionType flag(List<?> constants, String meant) {
    Function<Boolean, Object> constant =
        given ->
            constants.stream()
                .filter(c -> ((Enum<?>) c).name().equals(meant) == given)
                .findFirst()
                .orElseThrow();
    return new OptionType(
        "",
        Kind.FLAG,
        Texts::truth,
        values -> constant.apply((Boolean) last(values)),
        value -> Optional.of(((Enum<?>) value).name().equals(meant)));
  }

  private static OptionType list(Class<?> element, Option option) {
    if (!option.commas()) {
      return new OptionType(
          "TEXT",
          Kind.REPEATED,
          Texts::notEmpty,
          List::copyOf,
          value -> Optional.of(value).filter(texts -> !((List<?>) texts).isEmpty()));
    }
    return new OptionType(
        element == String.class ? "NAME,..." : "X,...",
        Kind.VALUE,
        element == String.class
            ? OptionType::names
            : text ->
                Arrays.stream(text.split(",", -1))
                    .map(one -> Texts.realNumber(one.strip(), option.min(), option.max()))
                    .toList(),
        values -> values.isEmpty() ? List.of() : last(values),
        value ->
            Optional.<Object>of(
                    ((List<?>) value)
                        .stream().map(String::valueOf).collect(Collectors.joining(",")))
                .filter(text -> !text.equals("")));
  }

  private static List<String> names(String text) {
    return Arrays.stream(text.split(",", -1))
        .map(
            name -> {
              if (name.isBlank()) {
                throw new IllegalArgumentException("must be names with commas between them");
              }
              return name.strip().toLowerCase(Locale.ROOT);
            })
        .toList();
  }

  private static OptionType optional(RecordComponent component, Option option) {
    Class<?> type = component.getType();
    if (type == OptionalInt.class) {
      OptionType scalar = scalar(int.class, option);
      return optional(
          scalar,
          option,
          OptionalInt.empty(),
          value -> OptionalInt.of((Integer) value),
          value -> ((OptionalInt) value).getAsInt());
    }
    if (type == OptionalLong.class) {
      OptionType scalar = scalar(long.class, option);
      return optional(
          scalar,
          option,
          OptionalLong.empty(),
          value -> OptionalLong.of((Long) value),
          value -> ((OptionalLong) value).getAsLong());
    }
    OptionType scalar = scalar(argument(component), option);
    return optional(
        scalar,
        option,
        Optional.empty(),
        Optional::of,
        value -> scalar.recorded().apply(((Optional<?>) value).orElseThrow()).orElseThrow());
  }

  private static OptionType optional(
      OptionType scalar,
      Option option,
      Object empty,
      Function<Object, Object> present,
      Function<Object, Object> recorded) {
    if (option.orNone()) {
      return new OptionType(
          scalar.label() + "|" + NONE,
          Kind.VALUE,
          text -> text.equalsIgnoreCase(NONE) ? empty : present.apply(scalar.reader().apply(text)),
          values -> values.isEmpty() ? empty : last(values),
          value -> Optional.of(value.equals(empty) ? NONE : recorded.apply(value)));
    }
    return new OptionType(
        scalar.label(),
        Kind.VALUE,
        scalar.reader(),
        values -> values.isEmpty() ? empty : present.apply(last(values)),
        value -> value.equals(empty) ? Optional.empty() : Optional.of(recorded.apply(value)));
  }

  private static OptionType scalar(Class<?> type, Option option) {
    if (type == int.class || type == Integer.class) {
      return value(
          "N", text -> Math.toIntExact(Texts.wholeNumber(text, least(option), Integer.MAX_VALUE)));
    }
    if (type == long.class || type == Long.class) {
      return value("N", text -> Texts.wholeNumber(text, least(option), Long.MAX_VALUE));
    }
    if (type == double.class || type == Double.class) {
      return number(option);
    }
    if (type == String.class) {
      return new OptionType(
          "TEXT",
          Kind.VALUE,
          Texts::notEmpty,
          values -> values.isEmpty() ? "" : last(values),
          value -> Optional.of(value).filter(text -> !text.equals("")));
    }
    if (type.isEnum()) {
      return choice(type);
    }
    return parsed(type);
  }

  private static OptionType number(Option option) {
    Function<String, Object> reader =
        option.positive()
            ? text -> Texts.positiveNumber(text, option.max())
            : text -> Texts.realNumber(text, option.min(), option.max());
    if (!option.orNone()) {
      return value("X", reader);
    }
    return new OptionType(
        "X|" + NONE,
        Kind.VALUE,
        text -> text.equalsIgnoreCase(NONE) ? Double.POSITIVE_INFINITY : reader.apply(text),
        OptionType::last,
        value -> Optional.of(Double.isFinite((Double) value) ? value : NONE));
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static OptionType choice(Class<?> type) {
    return new OptionType(
        Stream.of(type.getEnumConstants())
            .map(constant -> Texts.word((Enum<?>) constant))
            .collect(Collectors.joining("|")),
        Kind.VALUE,
        text -> Texts.constant((Class) type, text),
        OptionType::last,
        value -> Optional.of(Texts.word((Enum<?>) value)));
  }

  private static OptionType value(String label, Function<String, Object> reader) {
    return new OptionType(label, Kind.VALUE, reader, OptionType::last, Optional::of);
  }

  /** A class that says itself how it is written. */
  private static OptionType parsed(Class<?> type) {
    return value("TEXT", text -> call(type, "parse", null, text))
        .withRecorded(value -> Optional.of(call(type, "text", value)));
  }

  private OptionType withRecorded(Function<Object, Optional<Object>> other) {
    return new OptionType(label, kind, reader, holder, other);
  }

  private static Object call(Class<?> type, String name, Object on, Object... arguments) {
    Class<?>[] types = Stream.of(arguments).map(Object::getClass).toArray(Class<?>[]::new);
    try {
      return type.getMethod(name, types).invoke(on, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(type + "." + name, e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(type + " must have a public method " + name, e);
    }
  }

  private static long least(Option option) {
    return Double.isInfinite(option.min()) ? Long.MIN_VALUE : (long) option.min();
  }

  private static Object last(List<Object> values) {
    return values.get(values.size() - 1);
  }

  private static Class<?> argument(RecordComponent component) {
    Type argument = ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0];
    return (Class<?>) argument;
  }
}
