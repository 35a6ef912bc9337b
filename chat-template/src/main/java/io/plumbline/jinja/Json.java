package io.plumbline.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** {@code json.dumps} as transformers gives it to templates. */
final class Json {
  private final Rendering rendering;
  private final Style style;
  private final TextBuilder out;

  private Json(Rendering rendering, Style style) {
    this.rendering = rendering;
    this.style = style;
    this.out = new TextBuilder(rendering);
  }

  /** How it is laid out; with an indent, every element has a line. */
  private record Style(
      boolean ascii,
      Optional<String> indent,
      String itemSeparator,
      String keySeparator,
      boolean sorted) {}

  static String dump(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound =
        arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
    boolean ascii = Arguments.flag(rendering, bound[0]);
    Optional<String> indent = Optional.empty();
    if (bound[1] != Values.MISSING && bound[1] != null) {
      if (Values.isString(bound[1])) {
        indent = Optional.of(Values.text(bound[1]));
      } else if (Numbers.isInteger(bound[1])) {
        int width = Math.max(0, Numbers.index(bound[1]));
        rendering.makeText(width);
        indent = Optional.of(" ".repeat(width));
      } else {
        throw PyError.type("the indent of tojson must be a number or a string");
      }
    }
    String itemSeparator = indent.isPresent() ? "," : ", ";
    String keySeparator = ": ";
    if (bound[2] != Values.MISSING && bound[2] != null) {
      List<Object> separators = Values.listOf(rendering, bound[2]);
      if (separators.size() != 2
          || !Values.isString(separators.get(0))
          || !Values.isString(separators.get(1))) {
        throw PyError.of("the separators of tojson must be two strings");
      }
      itemSeparator = Values.text(separators.get(0));
      keySeparator = Values.text(separators.get(1));
    }
    boolean sorted = Arguments.flag(rendering, bound[3]);
    Style style = new Style(ascii, indent, itemSeparator, keySeparator, sorted);
    Json json = new Json(rendering, style);
    json.value(value, 0);
    return json.out.build();
  }

  private void add(String text) {
    out.add(text);
  }

  private void value(Object value, int depth) {
    rendering.enter(rendering.line());
    if (Values.isString(value)) {
      quote(Values.text(value));
    } else if (value == null || Numbers.isNumber(value)) {
      add(scalar(value));
    } else if (value instanceof PyDict dict) {
      object(dict, depth);
    } else if (value instanceof List || value instanceof Tuple) {
      array(Values.items(value), depth);
    } else {
      throw PyError.type("an object of type %s is not JSON serializable", value);
    }
    rendering.leave();
  }

  private String scalar(Object value) {
    if (value == null) {
      return "null";
    }
    if (value instanceof Boolean bool) {
      return bool ? "true" : "false";
    }
    if (value instanceof Double real) {
      if (real.isNaN()) {
        return "NaN";
      }
      if (real.isInfinite()) {
        return real > 0 ? "Infinity" : "-Infinity";
      }
      return Numbers.repr(rendering, real);
    }
    return Numbers.decimal(rendering, value);
  }

  private void newline(int depth) {
    if (style.indent().isPresent()) {
      add("\n");
      for (int i = 0; i < depth; i++) {
        rendering.step();
        add(style.indent().get());
      }
    }
  }

  private void array(List<?> items, int depth) {
    if (items.isEmpty()) {
      add("[]");
      return;
    }
    add("[");
    for (int i = 0; i < items.size(); i++) {
      if (i > 0) {
        add(style.itemSeparator());
      }
      newline(depth + 1);
      value(items.get(i), depth + 1);
    }
    newline(depth);
    add("]");
  }

  private void object(PyDict dict, int depth) {
    if (dict.size() == 0) {
      add("{}");
      return;
    }
    Iterator<Object> items = dict.items(rendering);
    if (style.sorted()) {
      items = Operators.sorted(rendering, dict.itemList(rendering), item -> item, false).iterator();
    }
    add("{");
    boolean first = true;
    while (items.hasNext()) {
      Tuple item = (Tuple) items.next();
      Object key = item.items().get(0);
      if (!first) {
        add(style.itemSeparator());
      }
      first = false;
      newline(depth + 1);
      if (Values.isString(key)) {
        quote(Values.text(key));
      } else if (key == null || Numbers.isNumber(key)) {
        add("\"" + scalar(key) + "\"");
      } else {
        throw PyError.type("keys must be str, int, float, bool or None");
      }
      add(style.keySeparator());
      value(item.items().get(1), depth + 1);
    }
    newline(depth);
    add("}");
  }

  private void quote(String text) {
    rendering.read(text.length());
    out.add('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.add("\\\"");
        case '\\' -> out.add("\\\\");
        case '\n' -> out.add("\\n");
        case '\r' -> out.add("\\r");
        case '\t' -> out.add("\\t");
        case '\f' -> out.add("\\f");
        case '\b' -> out.add("\\b");
        default -> {
          if (c < 0x20 || (style.ascii() && c > 0x7e)) {
            out.add("\\u").addHex(c, 4);
          } else {
            out.add(c);
          }
        }
      }
    }
    out.add('"');
  }
}
