package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Attributes, elements and calls, as Jinja2's sandbox allows them. */
final class Attributes {
  private static final Set<String> DICT_METHODS =
      Set.of("get", "keys", "values", "items", "copy", "fromkeys");
  private static final Set<String> DICT_CHANGES =
      Set.of("clear", "pop", "popitem", "setdefault", "update");
  private static final Set<String> LIST_METHODS = Set.of("index", "count", "copy");
  private static final Set<String> LIST_CHANGES =
      Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
  private static final Set<String> INT_METHODS =
      Set.of("bit_length", "bit_count", "conjugate", "as_integer_ratio");
  private static final Set<String> FLOAT_METHODS =
      Set.of("is_integer", "conjugate", "as_integer_ratio");
  private static final Set<String> HIDDEN =
      Set.of(
          "__class__",
          "__doc__",
          "__init__",
          "__dict__",
          "__module__",
          "__len__",
          "__getitem__",
          "__iter__",
          "__contains__",
          "__eq__",
          "__hash__",
          "__str__",
          "__repr__",
          "__new__",
          "__reduce__",
          "__reduce_ex__",
          "__subclasshook__",
          "__init_subclass__",
          "__getattribute__",
          "__setattr__",
          "__delattr__",
          "__sizeof__",
          "__format__",
          "__dir__",
          "__ne__",
          "__lt__",
          "__le__",
          "__gt__",
          "__ge__");

  private Attributes() {}

  /** The names of the methods of dictionaries, lists and numbers. */
  static Set<String> methods() {
    Set<String> methods = new HashSet<>(DICT_METHODS);
    methods.addAll(LIST_METHODS);
    methods.addAll(INT_METHODS);
    methods.addAll(FLOAT_METHODS);
    return methods;
  }

  /** {@code object.name}: the attribute first, then the element. */
  static Object attribute(Rendering rendering, Object object, String name) {
    if (object instanceof Undefined undefined) {
      if (HIDDEN.contains(name)) {
        return unsafe(object, name);
      }
      throw undefined.failure();
    }
    rendering.step();
    Object value = own(rendering, object, name);
    if (value != Values.MISSING) {
      return value;
    }
    if (object instanceof PyDict dict) {
      Object element = dict.find(rendering, name);
      if (element != Values.MISSING) {
        return element;
      }
    }
    return absent(object, name);
  }

  /** {@code object[key]}: the element first, then the attribute. */
  static Object item(Rendering rendering, Object object, Object key) {
    if (object instanceof Undefined undefined) {
      throw undefined.failure();
    }
    Object value = element(rendering, object, key);
    if (value != Values.MISSING) {
      return value;
    }
    if (Values.isString(key)) {
      Object attribute = own(rendering, object, Values.text(key));
      if (attribute != Values.MISSING) {
        return attribute;
      }
      return absent(object, Values.text(key));
    }
    String shown = PyError.shown(Values.repr(rendering, key));
    return Undefined.because(() -> "'" + objectName(object) + "' has no element " + shown);
  }

  private static String objectName(Object object) {
    return object == null ? "None" : Values.typeName(object) + " object";
  }

  private static Undefined absent(Object object, String name) {
    return Undefined.because(
        () -> "'" + objectName(object) + "' has no attribute '" + PyError.shown(name) + "'");
  }

  private static Object element(Rendering rendering, Object object, Object key) {
    if (object instanceof PyDict dict) {
      if (key instanceof List || key instanceof PyDict || key instanceof DictView) {
        return Values.MISSING;
      }
      try {
        return dict.find(rendering, key);
      } catch (PyError e) {
        if (e.kind() == PyError.Kind.TYPE) {
          return Values.MISSING;
        }
        throw e;
      }
    }
    if (!Numbers.isInteger(key)) {
      return Values.MISSING;
    }
    boolean indexed =
        Values.isString(object)
            || object instanceof List
            || object instanceof Tuple
            || object instanceof PyRange;
    if (!indexed) {
      return Values.MISSING;
    }
    int index = Numbers.index(key);
    if (Values.isString(object)) {
      String character = Strings.at(rendering, Values.text(object), index);
      if (character == null) {
        return Values.MISSING;
      }
      return object instanceof Markup ? new Markup(character) : character;
    }
    int size = Values.length(rendering, object);
    if (index < 0) {
      index += size;
    }
    if (index < 0 || index >= size) {
      return Values.MISSING;
    }
    if (object instanceof List<?> list) {
      return list.get(index);
    }
    if (object instanceof Tuple tuple) {
      return tuple.items().get(index);
    }
    return ((PyRange) object).element(index);
  }

  /** An attribute or method of the object itself, or MISSING. */
  private static Object own(Rendering rendering, Object object, String name) {
    if (name.startsWith("_")) {
      return HIDDEN.contains(name) ? unsafe(object, name) : Values.MISSING;
    }
    if (Values.isString(object)) {
      return Strings.hasMethod(name) ? stringMethod(rendering, object, name) : Values.MISSING;
    }
    if (object instanceof PyDict dict) {
      if (DICT_CHANGES.contains(name)) {
        return unsafe(object, name);
      }
      return DICT_METHODS.contains(name)
          ? method(rendering, name, "dict", (r, arguments) -> callDict(r, dict, name, arguments))
          : Values.MISSING;
    }
    if (object instanceof List<?> list) {
      if (LIST_CHANGES.contains(name)) {
        return unsafe(object, name);
      }
      return LIST_METHODS.contains(name)
          ? method(rendering, name, "list", (r, arguments) -> callList(r, list, name, arguments))
          : Values.MISSING;
    }
    if (object instanceof Tuple tuple) {
      if (tuple.grouped() && (name.equals("grouper") || name.equals("list"))) {
        return tuple.items().get(name.equals("list") ? 1 : 0);
      }
      return name.equals("index") || name.equals("count")
          ? method(
              rendering,
              name,
              "tuple",
              (r, arguments) -> callList(r, tuple.items(), name, arguments))
          : Values.MISSING;
    }
    if (object instanceof PyRange range) {
      return switch (name) {
        case "start" -> range.start();
        case "stop" -> range.stop();
        case "step" -> range.step();
        case "index", "count" ->
            method(
                rendering,
                name,
                "range",
                (r, arguments) -> callList(r, Values.listOf(r, range), name, arguments));
        default -> Values.MISSING;
      };
    }
    if (object instanceof Namespace namespace) {
      return namespace.attributes().find(rendering, name);
    }
    if (object instanceof Loop loop) {
      return loop.attribute(rendering, name);
    }
    if (object instanceof Macro macro) {
      return macro.attribute(rendering, name);
    }
    if (object instanceof Globals.Cycler cycler) {
      return cycler.attribute(rendering, name);
    }
    if (object instanceof Globals.Named function && function.name().equals("dict")) {
      return name.equals("fromkeys")
          ? method(rendering, name, "dict", (r, arguments) -> fromKeys(r, arguments))
          : Values.MISSING;
    }
    if (Numbers.isNumber(object)) {
      return number(rendering, object, name);
    }
    return Values.MISSING;
  }

  private static Undefined unsafe(Object object, String name) {
    return new Undefined(
        () ->
            "access to attribute '"
                + name
                + "' of '"
                + Values.typeName(object)
                + "' object is unsafe",
        PyError.Kind.SECURITY);
  }

  /** A method with its object. */
  private record Method(String name, String type, Callable callable) implements Callable {
    @Override
    public Object call(Rendering rendering, Arguments arguments) {
      return callable.call(rendering, arguments);
    }

    @Override
    public String describe() {
      // As long as Python's text, whose address no template can rely on.
      return "<built-in method " + name + " of " + type + " object at 0x000000000000>";
    }
  }

  private static Callable method(Rendering rendering, String name, String type, Callable callable) {
    rendering.spend(4);
    return new Method(name, type, callable);
  }

  private static Object stringMethod(Rendering rendering, Object object, String name) {
    return method(
        rendering,
        name,
        "str",
        (r, arguments) -> {
          Object result = Strings.call(r, Values.text(object), name, arguments);
          return object instanceof Markup && result instanceof String text
              ? new Markup(text)
              : result;
        });
  }

  private static Object number(Rendering rendering, Object object, String name) {
    boolean real = object instanceof Double;
    switch (name) {
      case "real" -> {
        return Operators.positive(object);
      }
      case "imag" -> {
        return real ? (Object) 0.0 : 0L;
      }
      case "numerator" -> {
        return real ? Values.MISSING : Operators.positive(object);
      }
      case "denominator" -> {
        return real ? Values.MISSING : (Object) 1L;
      }
      default -> {}
    }
    if (!(real ? FLOAT_METHODS : INT_METHODS).contains(name)) {
      return Values.MISSING;
    }
    return method(
        rendering,
        name,
        real ? "float" : "int",
        (r, arguments) -> {
          Numbers.absolute(r, object);
          r.spend(6);
          arguments.bindPositional(name, 0, 0);
          return switch (name) {
            case "bit_length" -> (long) Numbers.big(object).abs().bitLength();
            case "bit_count" -> (long) Numbers.big(object).abs().bitCount();
            case "conjugate" -> Operators.positive(object);
            case "is_integer" -> {
              double value = (Double) object;
              yield !Double.isInfinite(value) && value == Math.rint(value);
            }
            default -> {
              if (real) {
                throw PyError.type("as_integer_ratio() of a float is not supported");
              }
              yield Tuple.of(Operators.positive(object), 1L);
            }
          };
        });
  }

  private static Object callDict(
      Rendering rendering, PyDict dict, String name, Arguments arguments) {
    if (name.equals("get")) {
      Object[] bound = arguments.bindPositional("get", 1, 2);
      Object found = dict.find(rendering, bound[0]);
      if (found != Values.MISSING) {
        return found;
      }
      return bound[1] == Values.MISSING ? null : bound[1];
    }
    if (name.equals("fromkeys")) {
      return fromKeys(rendering, arguments);
    }
    arguments.bindPositional(name, 0, 0);
    rendering.spend(2);
    return switch (name) {
      case "keys" -> new DictView(dict, DictView.Kind.KEYS);
      case "values" -> new DictView(dict, DictView.Kind.VALUES);
      case "items" -> new DictView(dict, DictView.Kind.ITEMS);
      default -> dict;
    };
  }

  private static Object fromKeys(Rendering rendering, Arguments arguments) {
    Object[] bound = arguments.bindPositional("fromkeys", 1, 2);
    rendering.spend(10);
    PyDict dict = new PyDict();
    for (Object key : Values.listOf(rendering, bound[0])) {
      dict.put(rendering, key, bound[1] == Values.MISSING ? null : bound[1]);
    }
    return dict;
  }

  private static Object callList(
      Rendering rendering, List<?> list, String name, Arguments arguments) {
    if (name.equals("copy")) {
      arguments.bindPositional(name, 0, 0);
      rendering.makeElements(list.size());
      return new ArrayList<Object>(list);
    }
    if (name.equals("count")) {
      Object wanted = arguments.bindPositional(name, 1, 1)[0];
      long count = 0;
      for (Object item : list) {
        rendering.step();
        if (item == wanted || Operators.equal(rendering, item, wanted)) {
          count++;
        }
      }
      return count;
    }
    Object[] bound = arguments.bindPositional(name, 1, 3);
    int start = Strings.bound(bound[1], 0, list.size());
    int stop = Strings.bound(bound[2], list.size(), list.size());
    for (int i = start; i < stop; i++) {
      rendering.step();
      if (list.get(i) == bound[0] || Operators.equal(rendering, list.get(i), bound[0])) {
        return (long) i;
      }
    }
    throw PyError.value("index() found no such element");
  }

  static Object call(Rendering rendering, Object function, Arguments arguments) {
    if (function instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!(function instanceof Callable callable)) {
      throw PyError.type("an object of type '" + Values.typeName(function) + "' is not callable");
    }
    return callable.call(rendering, arguments);
  }
}
