package io.plumbline.jinja;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Filters for HTML and URLs. */
final class HtmlFilters {
  private static final HexFormat HEX = HexFormat.of().withUpperCase();

  private HtmlFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    all.put("e", HtmlFilters::escape);
    all.put("escape", HtmlFilters::escape);
    all.put("forceescape", HtmlFilters::forceEscape);
    all.put("safe", HtmlFilters::safe);
    all.put("striptags", HtmlFilters::stripTags);
    all.put("urlencode", HtmlFilters::urlEncode);
    all.put("xmlattr", HtmlFilters::xmlAttributes);
  }

  private static Object escape(Rendering rendering, Object value, Arguments arguments) {
    arguments.bindPositional("escape", 0, 0);
    return value instanceof Markup ? value : new Markup(Markup.escaped(rendering, value));
  }

  private static Object forceEscape(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("forceescape", 0);
    return new Markup(Markup.escape(rendering, Values.str(rendering, value)));
  }

  private static Object safe(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("safe", 0);
    return new Markup(Values.str(rendering, value));
  }

  private static Object stripTags(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("striptags", 0);
    String text = withoutTags(rendering, Values.str(rendering, value));
    String joined = Strings.join(rendering, " ", TextParts.split(rendering, text, null, -1));
    rendering.makeText(joined.length());
    rendering.read(8L * joined.length());
    return joined
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
  }

  /** Without comments and tags, as MarkupSafe drops them: up to one that has no end. */
  private static String withoutTags(Rendering rendering, String text) {
    rendering.read(2L * text.length());
    TextBuilder out = new TextBuilder(rendering);
    int at = 0;
    while (true) {
      int start = text.indexOf('<', at);
      if (start < 0) {
        break;
      }
      boolean comment = text.startsWith("<!--", start);
      int end = comment ? text.indexOf("-->", start + 4) : text.indexOf('>', start);
      if (end < 0) {
        break;
      }
      rendering.step();
      out.add(text, at, start);
      at = end + (comment ? 3 : 1);
    }
    return at == 0 ? text : out.add(text, at, text.length()).build();
  }

  private static Object urlEncode(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("urlencode", 0);
    if (Values.isString(value) || !Values.isIterable(value)) {
      TextBuilder out = new TextBuilder(rendering);
      addQuoted(rendering, out, Values.str(rendering, value), "/", "%20");
      return out.build();
    }
    Object pairs = value instanceof PyDict dict ? new DictView(dict, DictView.Kind.ITEMS) : value;
    TextBuilder out = new TextBuilder(rendering);
    for (Object pair : Values.listOf(rendering, pairs)) {
      List<Object> two = Values.listOf(rendering, pair);
      if (two.size() != 2) {
        throw PyError.of("urlencode needs pairs");
      }
      if (out.length() > 0) {
        out.add('&');
      }
      addQuoted(rendering, out, Values.str(rendering, two.get(0)), "", "+");
      out.add('=');
      addQuoted(rendering, out, Values.str(rendering, two.get(1)), "", "+");
    }
    return out.build();
  }

  /** Adds a text as it stands in a URL. */
  private static void addQuoted(
      Rendering rendering, TextBuilder out, String text, String safe, String space) {
    rendering.read(2L * text.length());
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (isPlain(c) || safe.indexOf(c) >= 0) {
        out.add((char) c);
      } else if (c == ' ') {
        out.add(space);
      } else {
        rendering.spend(4);
        // Half a character is a question mark.
        for (byte b : Character.toString(c).getBytes(StandardCharsets.UTF_8)) {
          out.add('%').add(HEX.toHighHexDigit(b)).add(HEX.toLowHexDigit(b));
        }
      }
    }
  }

  private static boolean isPlain(int c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || "_.-~".indexOf(c) >= 0;
  }

  private static Object xmlAttributes(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("xmlattr", 0, "autospace");
    Undefined.refuse(value);
    if (!(value instanceof PyDict dict)) {
      throw PyError.type("xmlattr needs a mapping");
    }
    TextBuilder out = new TextBuilder(rendering);
    for (PyDict.Entry entry : dict.entries()) {
      if (entry.value() == null || entry.value() instanceof Undefined) {
        continue;
      }
      if (!Values.isString(entry.key())) {
        throw PyError.type("xmlattr needs names that are strings");
      }
      String key = Values.text(entry.key());
      rendering.step();
      rendering.read(2L * key.length());
      if (key.chars().anyMatch(c -> " \t\n\r\f\u000b/>=".indexOf(c) >= 0)) {
        throw PyError.of(
            "invalid character in attribute name: "
                + Printing.quote(rendering, PyError.shown(key)));
      }
      String text = Markup.escaped(rendering, entry.value());
      if (out.length() > 0) {
        out.add(' ');
      }
      out.add(Markup.escape(rendering, key)).add("=\"").add(text).add('"');
    }
    String joined = out.build();
    boolean space = bound[0] == Values.MISSING || Values.truth(rendering, bound[0]);
    rendering.makeText(joined.length());
    return space && !joined.isEmpty() ? " " + joined : joined;
  }
}
