package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Attributes, elements and calls, as Jinja2's sandbox allows them. */
final class Attributes {
  private static final Set<String> DICT_METHODS = Unsupported.names("get keys values items copy");
  private static final Set<String> LIST_METHODS = Unsupported.names("index count copy");
  private static final Set<String> TUPLE_METHODS = Unsupported.names("index count");

  /** What would change a value. */
  private static final Set<String> DICT_CHANGES =
      Unsupported.names("clear pop popitem setdefault update");

  private static final Set<String> LIST_CHANGES =
      Unsupported.names("append clear pop reverse insert sort extend remove");

  /** What all Python objects have, and no template may reach. */
  private static final Set<String> HIDDEN =
      Unsupported.names(
          "__class__ __doc__ __init__ __dict__ __module__ __len__ __getitem__ __iter__"
              + " __contains__ __eq__ __hash__ __str__ __repr__ __new__ __reduce__ __reduce_ex__"
              + " __subclasshook__ __init_subclass__ __getattribute__ __setattr__ __delattr__"
              + " __sizeof__ __format__ __dir__ __ne__ __lt__ __le__ __gt__ __ge__");

  private Attributes() {}

  /** The names of the methods of dictionaries and lists. */
  static Set<String> methods() {
    Set<String> methods = new HashSet<>(DICT_METHODS);
    methods.addAll(LIST_METHODS);
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
    if (value == Values.MISSING && object instanceof PyDict dict) {
      value = dict.find(rendering, name);
    }
    return value == Values.MISSING ? absent(object, name) : value;
  }

  /** {@code object[key]}: the element first, then the attribute. */
  static Object item(Rendering rendering, Object object, Object key) {
    Undefined.refuse(object);
    Object value = element(rendering, object, key);
    if (value != Values.MISSING) {
      return value;
    }
    if (Values.isString(key)) {
      Object attribute = own(rendering, object, Values.text(key));
      return attribute == Values.MISSING ? absent(object, Values.text(key)) : attribute;
    }
    String shown = PyError.shown(Printing.repr(rendering, key));
    return new Undefined(() -> "'" + objectName(object) + "' has no element " + shown);
  }

  private static String objectName(Object object) {
    return object == null ? "None" : Values.typeName(object) + " object";
  }

  private static Undefined absent(Object object, String name) {
    return new Undefined(
        () -> "'" + objectName(object) + "' has no attribute '" + PyError.shown(name) + "'");
  }

  private static Object element(Rendering rendering, Object object, Object key) {
    if (object instanceof PyDict dict) {
      try {
        return dict.find(rendering, key);
      } catch (PyError e) {
        if (e.code() == TemplateException.Code.FAILED) {
          return Values.MISSING;
        }
        throw e;
      }
    }
    if (!Numbers.isInteger(key)) {
      return Values.MISSING;
    }
    int index = Numbers.index(key);
    if (Values.isString(object)) {
      String character = Strings.at(rendering, Values.text(object), index);
      return character == null ? Values.MISSING : Markup.like(object, character);
    }
    boolean indexed =
        object instanceof List || object instanceof Tuple || object instanceof PyRange;
    if (!indexed) {
      return Values.MISSING;
    }
    int size = Values.length(rendering, object);
    if (index < 0) {
      index += size;
    }
    if (index < 0 || index >= size) {
      return Values.MISSING;
    }
    if (object instanceof PyRange range) {
      return range.element(index);
    }
    return Values.items(object).get(index);
  }

  /** An attribute or method of the object itself, or MISSING. */
  private static Object own(Rendering rendering, Object object, String name) {
    if (name.startsWith("_")) {
      return HIDDEN.contains(name) ? unsafe(object, name) : Values.MISSING;
    }
    if (Values.isString(object)) {
      return ofText(rendering, object, name);
    }
    if (object instanceof PyDict dict) {
      return ofDict(rendering, dict, name);
    }
    if (object instanceof List<?> list) {
      if (LIST_CHANGES.contains(name)) {
        return unsafe(object, name);
      }
      return ofList(rendering, list, "list", LIST_METHODS, name);
    }
    if (object instanceof Tuple tuple) {
      if (tuple.grouped() && (name.equals("grouper") || name.equals("list"))) {
        return tuple.items().get(name.equals("list") ? 1 : 0);
      }
      return ofList(rendering, tuple.items(), "tuple", TUPLE_METHODS, name);
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
    if (Numbers.isNumber(object) && Unsupported.NUMBER_ATTRIBUTES.contains(name)) {
      throw Unsupported.of("the attribute '" + name + "' of numbers is", "numbers have none");
    }
    if (object instanceof PyRange && Unsupported.RANGE_ATTRIBUTES.contains(name)) {
      throw Unsupported.of("the attribute '" + name + "' of ranges is", "use a list of it");
    }
    return Values.MISSING;
  }

  private static Undefined unsafe(Object object, String name) {
    String type = Values.typeName(object);
    return new Undefined(
        () -> "access to attribute '" + name + "' of '" + type + "' object is unsafe");
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

  /** A method that is there, and refuses to be called. */
  private static Callable refused(
      Rendering rendering, String name, String type, String values, Set<String> supported) {
    return method(
        rendering,
        name,
        type,
        (r, arguments) -> {
          throw Unsupported.method(name, values, supported);
        });
  }

  private static Object ofText(Rendering rendering, Object object, String name) {
    if (Unsupported.TEXT_METHODS.contains(name)) {
      return refused(rendering, name, "str", "texts", StringMethods.names());
    }
    if (!StringMethods.names().contains(name)) {
      return Values.MISSING;
    }
    return method(
        rendering,
        name,
        "str",
        (r, arguments) -> {
          Object result = StringMethods.call(r, Values.text(object), name, arguments);
          return result instanceof String text ? Markup.like(object, text) : result;
        });
  }

  private static Object ofDict(Rendering rendering, PyDict dict, String name) {
    if (DICT_CHANGES.contains(name)) {
      return unsafe(dict, name);
    }
    if (Unsupported.DICT_METHODS.contains(name)) {
      return refused(rendering, name, "dict", "dictionaries", DICT_METHODS);
    }
    return DICT_METHODS.contains(name)
        ? method(rendering, name, "dict", (r, arguments) -> callDict(r, dict, name, arguments))
        : Values.MISSING;
  }

  private static Object callDict(
      Rendering rendering, PyDict dict, String name, Arguments arguments) {
    if (name.equals("get")) {
      Object[] bound = arguments.bindPositional("get", 1, 2);
      Object found = dict.find(rendering, bound[0]);
      return Arguments.or(found, Arguments.or(bound[1], null));
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

  private static Object ofList(
      Rendering rendering, List<?> list, String type, Set<String> methods, String name) {
    return methods.contains(name)
        ? method(rendering, name, type, (r, arguments) -> callList(r, list, name, arguments))
        : Values.MISSING;
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
        count += Operators.same(rendering, item, wanted) ? 1 : 0;
      }
      return count;
    }
    Object[] bound = arguments.bindPositional(name, 1, 3);
    int start = Strings.bound(bound[1], 0, list.size());
    int stop = Strings.bound(bound[2], list.size(), list.size());
    for (int i = start; i < stop; i++) {
      rendering.step();
      if (Operators.same(rendering, list.get(i), bound[0])) {
        return (long) i;
      }
    }
    throw PyError.of("index() found no such element");
  }

  static Object call(Rendering rendering, Object function, Arguments arguments) {
    Undefined.refuse(function);
    if (!(function instanceof Callable callable)) {
      throw PyError.type("an object of type '%s' is not callable", function);
    }
    return callable.call(rendering, arguments);
  }
}
