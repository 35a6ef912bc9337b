package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

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
      return Numbers.given(big);
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

  /** The elements of a list or a tuple. */
  static List<?> items(Object sequence) {
    return sequence instanceof Tuple tuple ? tuple.items() : (List<?>) sequence;
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
        || value instanceof Undefined;
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
    throw PyError.type("an object of type '%s' has no len()", value);
  }

  static boolean isIterable(Object value) {
    return hasLength(value) || value instanceof Generator;
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
      return numbers(rendering, range);
    }
    if (value instanceof Undefined) {
      return Collections.emptyIterator();
    }
    if (isString(value)) {
      return characters(rendering, text(value));
    }
    throw PyError.type("an object of type '%s' is not iterable", value);
  }

  private static Iterator<Object> numbers(Rendering rendering, PyRange range) {
    return IntStream.range(0, range.size())
        .mapToObj(
            i -> {
              rendering.step();
              return (Object) range.element(i);
            })
        .iterator();
  }

  private static Iterator<Object> characters(Rendering rendering, String text) {
    return new Lazy() {
      private int at;

      @Override
      Object find() {
        if (at >= text.length()) {
          return MISSING;
        }
        int codePoint = text.codePointAt(at);
        at += Character.charCount(codePoint);
        return Strings.character(rendering, codePoint);
      }
    };
  }

  /** All elements in a new list. */
  static List<Object> listOf(Rendering rendering, Object iterable) {
    if (hasLength(iterable)) {
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
    return Printing.repr(rendering, value);
  }
}
