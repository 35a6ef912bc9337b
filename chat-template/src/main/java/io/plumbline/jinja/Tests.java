package io.plumbline.jinja;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What stands after {@code is}. */
final class Tests {
  private static final Set<String> PLAIN =
      Set.of(
          "odd",
          "even",
          "defined",
          "undefined",
          "filter",
          "test",
          "none",
          "boolean",
          "false",
          "true",
          "integer",
          "float",
          "lower",
          "upper",
          "string",
          "mapping",
          "number",
          "sequence",
          "iterable",
          "callable",
          "escaped");
  private static final Set<String> WITH_ARGUMENT =
      Set.of(
          "divisibleby",
          "sameas",
          "in",
          "==",
          "eq",
          "equalto",
          "!=",
          "ne",
          ">",
          "gt",
          "greaterthan",
          "ge",
          ">=",
          "<",
          "lt",
          "lessthan",
          "<=",
          "le");

  private Tests() {}

  /** The names of all tests. */
  static Set<String> names() {
    Set<String> names = new HashSet<>(PLAIN);
    names.addAll(WITH_ARGUMENT);
    return names;
  }

  static boolean exists(String name) {
    return PLAIN.contains(name) || WITH_ARGUMENT.contains(name);
  }

  static boolean apply(Rendering rendering, String name, Object value, Arguments arguments) {
    if (PLAIN.contains(name)) {
      arguments.bind(name, 0);
      return plain(rendering, name, value);
    }
    if (!WITH_ARGUMENT.contains(name)) {
      throw PyError.runtime("there is no test named '" + name + "'");
    }
    Object other =
        switch (name) {
          case "divisibleby" -> arguments.bind(name, 1, "num")[0];
          case "sameas" -> arguments.bind(name, 1, "other")[0];
          case "in" -> arguments.bind(name, 1, "seq")[0];
          default -> arguments.bindPositional(name, 1, 1)[0];
        };
    return switch (name) {
      case "divisibleby" ->
          Operators.equal(rendering, Operators.binary(rendering, "%", value, other), 0L);
      case "sameas" -> same(rendering, value, other);
      case "in" -> Operators.contains(rendering, other, value);
      case "==", "eq", "equalto" -> Operators.equal(rendering, value, other);
      case "!=", "ne" -> !Operators.equal(rendering, value, other);
      case ">", "gt", "greaterthan" -> Operators.ordered(rendering, ">", value, other);
      case ">=", "ge" -> Operators.ordered(rendering, ">=", value, other);
      case "<", "lt", "lessthan" -> Operators.ordered(rendering, "<", value, other);
      default -> Operators.ordered(rendering, "<=", value, other);
    };
  }

  private static boolean same(Rendering rendering, Object value, Object other) {
    if (value == other) {
      return true;
    }
    if (value instanceof String text) {
      return other instanceof String same && Operators.equalTexts(rendering, text, same);
    }
    boolean scalar = value instanceof Boolean || value instanceof Long;
    return scalar && value.equals(other);
  }

  private static boolean plain(Rendering rendering, String name, Object value) {
    return switch (name) {
      case "odd" -> Operators.equal(rendering, Operators.binary(rendering, "%", value, 2L), 1L);
      case "even" -> Operators.equal(rendering, Operators.binary(rendering, "%", value, 2L), 0L);
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "filter" ->
          Values.hashKey(rendering, value) instanceof String text && Filters.exists(text);
      case "test" -> Values.hashKey(rendering, value) instanceof String text && exists(text);
      case "none" -> value == null;
      case "boolean" -> value instanceof Boolean;
      case "false" -> value instanceof Boolean bool && !bool;
      case "true" -> value instanceof Boolean bool && bool;
      case "integer" -> Numbers.isInteger(value) && !(value instanceof Boolean);
      case "float" -> value instanceof Double;
      case "lower" -> LetterCase.isLower(passed(rendering, value));
      case "upper" -> LetterCase.isUpper(passed(rendering, value));
      case "string" -> Values.isString(value);
      case "mapping" -> value instanceof PyDict;
      case "number" -> Numbers.isNumber(value);
      case "sequence" ->
          Values.isString(value)
              || value instanceof List
              || value instanceof Tuple
              || value instanceof PyDict
              || value instanceof PyRange
              || value instanceof Undefined;
      case "iterable" -> Values.isIterable(value);
      // Undefined values define __call__, though calling one fails.
      case "callable" -> value instanceof Callable || value instanceof Undefined;
      case "escaped" -> value instanceof Markup;
      default -> throw new IllegalArgumentException(name);
    };
  }

  /** The text of a value, with a pass over it paid for. */
  private static String passed(Rendering rendering, Object value) {
    String text = Values.str(rendering, value);
    rendering.read(4L * text.length());
    return text;
  }
}
