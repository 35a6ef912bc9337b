package io.plumbline.text.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.function.IntFunction;

/**
 * Python's view of values: null is None; Boolean, Long, BigInteger, Double, String, List and the
 * types of this package are the rest.
 */
final class Values {
  /** Stands where there is no value at all, which is not None. */
  static final Object MISSING =
      new Object() {
        @Override
        public String toString() {
          return "missing";
        }
      };

  private static final Object NONE_KEY = new Object();
  private static final Object UNDEFINED_KEY = new Object();

  private record TupleKey(List<Object> items) {}

  private record IdentityKey(int hash, Object object) {
    @Override
    public boolean equals(Object other) {
      return other instanceof IdentityKey key && key.object == object;
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  private Values() {}

  /** A JSON value, as Jackson or a caller gives it, in this package's types. */
  static Object ofJson(Object value) {
    if (value == null
        || value instanceof String
        || value instanceof Boolean
        || value instanceof Long
        || value instanceof Double) {
      return value;
    }
    if (value instanceof Map<?, ?> map) {
      return PyDict.ofJson(map);
    }
    if (value instanceof Iterable<?> elements) {
      List<Object> list = new ArrayList<>();
      elements.forEach(element -> list.add(ofJson(element)));
      return list;
    }
    if (value instanceof BigInteger big) {
      return Numbers.normalize(big);
    }
    if (value instanceof BigDecimal decimal) {
      return decimal.doubleValue();
    }
    if (value instanceof Float real) {
      return real.doubleValue();
    }
    if (value instanceof Number number) {
      return number.longValue();
    }
    // As transformers does: what is no JSON is replaced by the name of its type.
    return "<" + value.getClass().getSimpleName() + ">";
  }

  static boolean isString(Object value) {
    return value instanceof String || value instanceof Markup;
  }

  /** The text of a string, marked as safe or not. */
  static String text(Object string) {
    return string instanceof Markup markup ? markup.text() : (String) string;
  }

  static String typeName(Object value) {
    if (value == null) {
      return "NoneType";
    }
    if (value instanceof Boolean) {
      return "bool";
    }
    if (value instanceof Long || value instanceof BigInteger) {
      return "int";
    }
    if (value instanceof Double) {
      return "float";
    }
    if (value instanceof String) {
      return "str";
    }
    if (value instanceof List) {
      return "list";
    }
    if (value instanceof PyDict) {
      return "dict";
    }
    if (value instanceof Tuple) {
      return "tuple";
    }
    if (value instanceof PyRange) {
      return "range";
    }
    if (value instanceof DictView view) {
      return view.kind().typeName;
    }
    if (value instanceof Generator generator) {
      return generator.typeName();
    }
    if (value instanceof Callable && !(value instanceof Macro) && !(value instanceof Loop)) {
      return "function";
    }
    return value.getClass().getSimpleName();
  }

  static boolean truth(Rendering rendering, Object value) {
    if (value instanceof Boolean bool) {
      return bool;
    }
    if (value == null || value instanceof Undefined) {
      return false;
    }
    if (value instanceof Long whole) {
      return whole != 0;
    }
    if (value instanceof Double real) {
      return real != 0;
    }
    return !hasLength(value) || length(rendering, value) > 0;
  }

  static boolean hasLength(Object value) {
    return isString(value)
        || value instanceof List
        || value instanceof Tuple
        || value instanceof PyDict
        || value instanceof PyRange
        || value instanceof DictView
        || value instanceof Undefined
        || value instanceof Loop;
  }

  static int length(Rendering rendering, Object value) {
    if (isString(value)) {
      String text = text(value);
      return text.codePointCount(0, text.length());
    }
    if (value instanceof List<?> list) {
      return list.size();
    }
    if (value instanceof Tuple tuple) {
      return tuple.items().size();
    }
    if (value instanceof PyDict dict) {
      return dict.size();
    }
    if (value instanceof PyRange range) {
      return range.size();
    }
    if (value instanceof DictView view) {
      return view.dict().size();
    }
    if (value instanceof Undefined) {
      return 0;
    }
    if (value instanceof Loop loop) {
      return loop.length(rendering);
    }
    throw PyError.type("an object of type '" + typeName(value) + "' has no len()");
  }

  static boolean isIterable(Object value) {
    return (hasLength(value) && !(value instanceof Loop))
        || value instanceof Generator
        || value instanceof Loop;
  }

  /** Walks over a value; every element counts as a step. */
  static Iterator<Object> iterate(Rendering rendering, Object value) {
    Iterator<Object> elements = elements(value);
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return elements.hasNext();
      }

      @Override
      public Object next() {
        rendering.step();
        return elements.next();
      }
    };
  }

  @SuppressWarnings("unchecked")
  private static Iterator<Object> elements(Object value) {
    if (value instanceof List<?> list) {
      return ((List<Object>) list).iterator();
    }
    if (value instanceof Tuple tuple) {
      return tuple.items().iterator();
    }
    if (value instanceof PyDict dict) {
      return dict.keys().iterator();
    }
    if (value instanceof DictView view) {
      return view.elements().iterator();
    }
    if (value instanceof Generator generator) {
      return generator.elements();
    }
    if (value instanceof PyRange range) {
      return indexed(range.size(), i -> range.element(i));
    }
    if (value instanceof Undefined) {
      return new ArrayList<>().iterator();
    }
    if (isString(value)) {
      return characters(text(value));
    }
    if (value instanceof Loop loop) {
      return new Iterator<>() {
        private Object ahead = MISSING;

        @Override
        public boolean hasNext() {
          if (ahead == MISSING && loop.next()) {
            ahead = Tuple.of(loop.current(), loop);
          }
          return ahead != MISSING;
        }

        @Override
        public Object next() {
          if (!hasNext()) {
            throw new NoSuchElementException();
          }
          Object element = ahead;
          ahead = MISSING;
          return element;
        }
      };
    }
    throw PyError.type("an object of type '" + typeName(value) + "' is not iterable");
  }

  private static Iterator<Object> indexed(int size, IntFunction<Object> element) {
    return new Iterator<>() {
      private int index;

      @Override
      public boolean hasNext() {
        return index < size;
      }

      @Override
      public Object next() {
        if (index >= size) {
          throw new NoSuchElementException();
        }
        return element.apply(index++);
      }
    };
  }

  private static Iterator<Object> characters(String text) {
    return new Iterator<>() {
      private int at;

      @Override
      public boolean hasNext() {
        return at < text.length();
      }

      @Override
      public Object next() {
        if (at >= text.length()) {
          throw new NoSuchElementException();
        }
        int codePoint = text.codePointAt(at);
        at += Character.charCount(codePoint);
        return Character.toString(codePoint);
      }
    };
  }

  /** All elements in a new list. */
  static List<Object> listOf(Rendering rendering, Object iterable) {
    if (hasLength(iterable) && !(iterable instanceof Loop)) {
      rendering.chargeElements(length(rendering, iterable));
    }
    List<Object> list = new ArrayList<>();
    Iterator<Object> elements = iterate(rendering, iterable);
    while (elements.hasNext()) {
      list.add(elements.next());
    }
    return list;
  }

  /** A key for hash maps; equal for values that Python finds equal. */
  static Object hashKey(Object value) {
    if (value == null) {
      return NONE_KEY;
    }
    if (Numbers.isNumber(value)) {
      return Numbers.hashKey(value);
    }
    if (isString(value)) {
      return text(value);
    }
    if (value instanceof Undefined) {
      return UNDEFINED_KEY;
    }
    if (value instanceof Tuple tuple) {
      List<Object> keys = new ArrayList<>(tuple.items().size());
      for (Object item : tuple.items()) {
        keys.add(hashKey(item));
      }
      return new TupleKey(keys);
    }
    if (value instanceof PyRange) {
      return value;
    }
    if (value instanceof List || value instanceof PyDict || value instanceof DictView) {
      throw PyError.type("unhashable type: '" + typeName(value) + "'");
    }
    return new IdentityKey(System.identityHashCode(value), value);
  }

  /** What {@code str()} gives, and what printing shows. */
  static String str(Rendering rendering, Object value) {
    if (value instanceof String string) {
      return string;
    }
    if (value instanceof Markup markup) {
      return markup.text();
    }
    if (value instanceof Undefined) {
      return "";
    }
    return repr(rendering, value);
  }

  static String repr(Rendering rendering, Object value) {
    if (value == null || value instanceof Boolean || value instanceof Long) {
      return scalar(value);
    }
    StringBuilder out = new StringBuilder();
    repr(rendering, value, out);
    return out.toString();
  }

  private static String scalar(Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Boolean bool) {
      return bool ? "True" : "False";
    }
    if (value instanceof Double real) {
      return Numbers.repr(real);
    }
    return Numbers.decimal(value);
  }

  private static void repr(Rendering rendering, Object value, StringBuilder out) {
    rendering.enter(rendering.line());
    if (value == null || Numbers.isNumber(value)) {
      rendering.append(out, scalar(value));
    } else if (value instanceof String string) {
      rendering.append(out, quote(string));
    } else if (value instanceof Markup markup) {
      rendering.append(out, "Markup(" + quote(markup.text()) + ")");
    } else if (value instanceof List<?> list) {
      sequence(rendering, list, "[", "]", out);
    } else if (value instanceof Tuple tuple) {
      sequence(rendering, tuple.items(), "(", tuple.items().size() == 1 ? ",)" : ")", out);
    } else if (value instanceof PyDict dict) {
      dict(rendering, dict, out);
    } else if (value instanceof DictView view) {
      rendering.append(out, view.kind().typeName + "(");
      sequence(rendering, view.elements(), "[", "]", out);
      rendering.append(out, ")");
    } else if (value instanceof PyRange range) {
      rendering.append(
          out,
          "range("
              + range.start()
              + ", "
              + range.stop()
              + (range.step() == 1 ? "" : ", " + range.step())
              + ")");
    } else if (value instanceof Namespace namespace) {
      rendering.append(out, "<TemplateNamespace ");
      dict(rendering, namespace.attributes(), out);
      rendering.append(out, ">");
    } else if (value instanceof Loop loop) {
      rendering.append(out, loop.describe(rendering));
    } else if (value instanceof Callable callable) {
      rendering.append(out, callable.describe());
    } else if (value instanceof Undefined) {
      rendering.append(out, "Undefined");
    } else {
      rendering.append(out, "<" + typeName(value) + " object at 0x000000000000>");
    }
    rendering.leave();
  }

  private static void sequence(
      Rendering rendering, List<?> items, String open, String close, StringBuilder out) {
    rendering.append(out, open);
    boolean first = true;
    for (Object item : items) {
      if (!first) {
        rendering.append(out, ", ");
      }
      first = false;
      repr(rendering, item, out);
    }
    rendering.append(out, close);
  }

  private static void dict(Rendering rendering, PyDict dict, StringBuilder out) {
    rendering.append(out, "{");
    boolean first = true;
    for (PyDict.Entry entry : dict.entries()) {
      if (!first) {
        rendering.append(out, ", ");
      }
      first = false;
      repr(rendering, entry.key(), out);
      rendering.append(out, ": ");
      repr(rendering, entry.value(), out);
    }
    rendering.append(out, "}");
  }

  /** Python's repr of a string. */
  static String quote(String text) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
    text.codePoints()
        .forEach(
            c -> {
              if (c == quote || c == '\\') {
                out.append('\\').append((char) c);
              } else if (c == '\n') {
                out.append("\\n");
              } else if (c == '\r') {
                out.append("\\r");
              } else if (c == '\t') {
                out.append("\\t");
              } else if (Strings.isPrintable(c)) {
                out.appendCodePoint(c);
              } else if (c < 0x100) {
                out.append(String.format("\\x%02x", c));
              } else if (c < 0x10000) {
                out.append(String.format("\\u%04x", c));
              } else {
                out.append(String.format("\\U%08x", c));
              }
            });
    return out.append(quote).toString();
  }
}
