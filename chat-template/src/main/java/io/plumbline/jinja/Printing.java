package io.plumbline.jinja;

import java.util.Iterator;
import java.util.List;

/** What Python's {@code repr()} gives, which is what printing anything but a string shows. */
final class Printing {
  private Printing() {}

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
    } else if (value instanceof Callable callable) {
      rendering.spend(20);
      out.add(callable.describe());
    } else if (value instanceof Undefined) {
      out.add("Undefined");
    } else {
      rendering.spend(20);
      out.add("<" + Values.typeName(value) + " object at 0x000000000000>");
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
      } else if (Characters.isPrintable(c)) {
        out.add(c);
      } else {
        out.addEscaped(c);
      }
    }
    out.add(quote);
  }
}
