package io.plumbline.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What stands after {@code is}. */
final class Tests {
  /** A test without arguments. */
  private interface Plain {
    boolean holds(Rendering rendering, Object value);
  }

  /** A test with one argument. */
  private interface Relation {
    boolean holds(Rendering rendering, Object value, Object other);
  }

  private static final Map<String, Plain> PLAIN = plain();
  private static final Map<String, Relation> RELATIONS = relations();

  /** Relations whose argument has a name. */
  private static final Map<String, String> PARAMETERS =
      Map.of("divisibleby", "num", "sameas", "other", "in", "seq");

  private Tests() {}

  /** The names of all tests. */
  static Set<String> names() {
    Map<String, Object> all = new HashMap<>(PLAIN);
    all.putAll(RELATIONS);
    return all.keySet();
  }

  static boolean exists(String name) {
    return PLAIN.containsKey(name) || RELATIONS.containsKey(name);
  }

  static boolean apply(Rendering rendering, String name, Object value, Arguments arguments) {
    Plain plain = PLAIN.get(name);
    if (plain != null) {
      arguments.bind(name, 0);
      return plain.holds(rendering, value);
    }
    Relation relation = RELATIONS.get(name);
    if (relation == null) {
      throw PyError.of("there is no test named '" + name + "'");
    }
    String parameter = PARAMETERS.get(name);
    Object[] bound =
        parameter == null
            ? arguments.bindPositional(name, 1, 1)
            : arguments.bind(name, 1, parameter);
    return relation.holds(rendering, value, bound[0]);
  }

  private static Map<String, Relation> relations() {
    Map<String, Relation> all = new HashMap<>();
    all.put("divisibleby", Tests::divisible);
    all.put("sameas", Tests::same);
    all.put("in", (r, value, other) -> Operators.contains(r, other, value));
    put(all, Operators::equal, "==", "eq", "equalto");
    put(all, (r, value, other) -> !Operators.equal(r, value, other), "!=", "ne");
    put(
        all,
        (r, value, other) -> Operators.ordered(r, ">", value, other),
        ">",
        "gt",
        "greaterthan");
    put(all, (r, value, other) -> Operators.ordered(r, ">=", value, other), ">=", "ge");
    put(all, (r, value, other) -> Operators.ordered(r, "<", value, other), "<", "lt", "lessthan");
    put(all, (r, value, other) -> Operators.ordered(r, "<=", value, other), "<=", "le");
    return all;
  }

  private static void put(Map<String, Relation> all, Relation relation, String... names) {
    for (String name : names) {
      all.put(name, relation);
    }
  }

  private static Map<String, Plain> plain() {
    Map<String, Plain> all = new HashMap<>();
    all.put("odd", (r, value) -> remainder(r, value, 2L, 1L));
    all.put("even", (r, value) -> remainder(r, value, 2L, 0L));
    all.put("defined", (r, value) -> !(value instanceof Undefined));
    all.put("undefined", (r, value) -> value instanceof Undefined);
    all.put(
        "filter", (r, value) -> Key.of(r, value) instanceof String name && Filters.exists(name));
    all.put("test", (r, value) -> Key.of(r, value) instanceof String name && exists(name));
    all.put("none", (r, value) -> value == null);
    all.put("boolean", (r, value) -> value instanceof Boolean);
    all.put("false", (r, value) -> value instanceof Boolean bool && !bool);
    all.put("true", (r, value) -> value instanceof Boolean bool && bool);
    all.put("integer", (r, value) -> Numbers.isInteger(value) && !(value instanceof Boolean));
    all.put("float", (r, value) -> value instanceof Double);
    all.put("number", (r, value) -> Numbers.isNumber(value));
    all.put("lower", (r, value) -> LetterCase.isLower(passed(r, value)));
    all.put("upper", (r, value) -> LetterCase.isUpper(passed(r, value)));
    all.put("string", (r, value) -> Values.isString(value));
    all.put("mapping", (r, value) -> value instanceof PyDict);
    all.put("sequence", (r, value) -> isSequence(value));
    all.put("iterable", (r, value) -> Values.isIterable(value) || value instanceof Loop);
    // Undefined values define __call__, though calling one fails.
    all.put("callable", (r, value) -> value instanceof Callable || value instanceof Undefined);
    all.put("escaped", (r, value) -> value instanceof Markup);
    return all;
  }

  private static boolean isSequence(Object value) {
    return Values.isString(value)
        || value instanceof List
        || value instanceof Tuple
        || value instanceof PyDict
        || value instanceof PyRange
        || value instanceof Undefined;
  }

  private static boolean divisible(Rendering rendering, Object value, Object by) {
    return remainder(rendering, value, by, 0L);
  }

  private static boolean remainder(Rendering rendering, Object value, Object by, Object wanted) {
    return Operators.equal(rendering, Operators.binary(rendering, "%", value, by), wanted);
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

  /** The text of a value, with a pass over it paid for. */
  private static String passed(Rendering rendering, Object value) {
    String text = Values.str(rendering, value);
    rendering.read(4L * text.length());
    return text;
  }
}
