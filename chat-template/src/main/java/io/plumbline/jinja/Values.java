package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
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
  private static final Object RANGE_KEY = new Object();

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
    if (isString(value)) {
      return !text(value).isEmpty();
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
      return Strings.count(rendering, text(value));
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
    Iterator<Object> elements = elements(rendering, value);
    rendering.spend(4);
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
  private static Iterator<Object> elements(Rendering rendering, Object value) {
    if (value instanceof List<?> list) {
      return ((List<Object>) list).iterator();
    }
    if (value instanceof Tuple tuple) {
      return tuple.items().iterator();
    }
    if (value instanceof PyDict dict) {
      return dict.keys();
    }
    if (value instanceof DictView view) {
      return view.elements(rendering);
    }
    if (value instanceof Generator generator) {
      return generator.elements();
    }
    if (value instanceof PyRange range) {
      return indexed(
          range.size(),
          i -> {
            rendering.step();
            return range.element(i);
          });
    }
    if (value instanceof Undefined) {
      return Collections.emptyIterator();
    }
    if (isString(value)) {
      return characters(rendering, text(value));
    }
    if (value instanceof Loop loop) {
      return new Iterator<>() {
        private Object ahead = MISSING;

        @Override
        public boolean hasNext() {
          if (ahead == MISSING && loop.next()) {
            rendering.spend(6);
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

  private static Iterator<Object> characters(Rendering rendering, String text) {
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
        return Strings.character(rendering, codePoint);
      }
    };
  }

  /** All elements in a new list. */
  static List<Object> listOf(Rendering rendering, Object iterable) {
    if (hasLength(iterable) && !(iterable instanceof Loop)) {
      rendering.makeElements(length(rendering, iterable));
    } else {
      rendering.spend(6);
    }
    List<Object> list = new ArrayList<>();
    Iterator<Object> elements = iterate(rendering, iterable);
    while (elements.hasNext()) {
      list.add(elements.next());
      rendering.checkSize(list.size());
    }
    return list;
  }

  /** A key for hash maps; equal for values that Python finds equal. */
  static Object hashKey(Rendering rendering, Object value) {
    if (value == null) {
      return NONE_KEY;
    }
    if (isString(value)) {
      String text = text(value);
      rendering.read(text.length());
      return text;
    }
    if (Numbers.isNumber(value)) {
      return Numbers.hashKey(rendering, value);
    }
    if (value instanceof Undefined) {
      return UNDEFINED_KEY;
    }
    if (value instanceof Tuple tuple) {
      rendering.enter(rendering.line());
      rendering.makeElements(tuple.items().size());
      List<Object> keys = new ArrayList<>(tuple.items().size());
      for (Object item : tuple.items()) {
        Object key = hashKey(rendering, item);
        rendering.read(key instanceof String text ? 8L * text.length() : 8);
        keys.add(key);
      }
      rendering.leave();
      return Key.of(keys);
    }
    if (value instanceof PyRange range) {
      rendering.spend(20);
      int size = range.size();
      return Key.of(
          List.of(
              RANGE_KEY,
              Key.of(size),
              Key.of(size > 0 ? range.start() : 0),
              Key.of(size > 1 ? range.step() : 0)));
    }
    if (value instanceof List || value instanceof PyDict || value instanceof DictView) {
      throw PyError.type("unhashable type: '" + typeName(value) + "'");
    }
    rendering.spend(4);
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
      rendering.spend(6);
      return scalar(rendering, value);
    }
    if (value instanceof Double real) {
      return Numbers.repr(rendering, real);
    }
    TextBuilder out = new TextBuilder(rendering);
    repr(rendering, value, out);
    return out.build();
  }

  private static String scalar(Rendering rendering, Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Boolean bool) {
      return bool ? "True" : "False";
    }
    if (value instanceof Double real) {
      return Numbers.repr(rendering, real);
    }
    return Numbers.decimal(rendering, value);
  }

  private static void repr(Rendering rendering, Object value, TextBuilder out) {
    rendering.enter(rendering.line());
    if (value == null || Numbers.isNumber(value)) {
      out.add(scalar(rendering, value));
    } else if (value instanceof String string) {
      quote(rendering, string, out);
    } else if (value instanceof Markup markup) {
      out.add("Markup(");
      quote(rendering, markup.text(), out);
      out.add(")");
    } else if (value instanceof List<?> list) {
      sequence(rendering, list.iterator(), "[", "]", out);
    } else if (value instanceof Tuple tuple) {
      String close = tuple.items().size() == 1 ? ",)" : ")";
      sequence(rendering, tuple.items().iterator(), "(", close, out);
    } else if (value instanceof PyDict dict) {
      dict(rendering, dict, out);
    } else if (value instanceof DictView view) {
      out.add(view.kind().typeName).add("(");
      sequence(rendering, view.elements(rendering), "[", "]", out);
      out.add(")");
    } else if (value instanceof PyRange range) {
      rendering.spend(20);
      out.add("range(" + range.start() + ", " + range.stop());
      out.add(range.step() == 1 ? ")" : ", " + range.step() + ")");
    } else if (value instanceof Namespace namespace) {
      out.add("<TemplateNamespace ");
      dict(rendering, namespace.attributes(), out);
      out.add(">");
    } else if (value instanceof Loop loop) {
      rendering.spend(20);
      out.add(loop.describe(rendering));
    } else if (value instanceof Callable callable) {
      rendering.spend(20);
      out.add(callable.describe());
    } else if (value instanceof Undefined) {
      out.add("Undefined");
    } else {
      rendering.spend(20);
      out.add("<" + typeName(value) + " object at 0x000000000000>");
    }
    rendering.leave();
  }

  private static void sequence(
      Rendering rendering, Iterator<?> items, String open, String close, TextBuilder out) {
    out.add(open);
    boolean first = true;
    while (items.hasNext()) {
      if (!first) {
        out.add(", ");
      }
      first = false;
      repr(rendering, items.next(), out);
    }
    out.add(close);
  }

  private static void dict(Rendering rendering, PyDict dict, TextBuilder out) {
    out.add("{");
    boolean first = true;
    for (PyDict.Entry entry : dict.entries()) {
      if (!first) {
        out.add(", ");
      }
      first = false;
      repr(rendering, entry.key(), out);
      out.add(": ");
      repr(rendering, entry.value(), out);
    }
    out.add("}");
  }

  /** Python's repr of a string. */
  static String quote(Rendering rendering, String text) {
    TextBuilder out = new TextBuilder(rendering);
    quote(rendering, text, out);
    return out.build();
  }

  private static void quote(Rendering rendering, String text, TextBuilder out) {
    rendering.read(2L * text.length());
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.add(quote);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (c == quote || c == '\\') {
        out.add('\\').add((char) c);
      } else if (c == '\n') {
        out.add("\\n");
      } else if (c == '\r') {
        out.add("\\r");
      } else if (c == '\t') {
        out.add("\\t");
      } else if (Strings.isPrintable(c)) {
        out.add(c);
      } else {
        out.addEscaped(c);
      }
    }
    out.add(quote);
  }
}
