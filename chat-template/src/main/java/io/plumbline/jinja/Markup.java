package io.plumbline.jinja;

/** A string that is marked as safe HTML: what joins it is escaped. */
record Markup(String text) {
  /** A text that is marked as safe if what it was made of was. */
  static Object like(Object source, String text) {
    return source instanceof Markup ? new Markup(text) : text;
  }

  /** The text of a string, escaped unless it is safe. */
  static String escaped(Rendering rendering, Object value) {
    return value instanceof Markup markup
        ? markup.text()
        : escape(rendering, Values.str(rendering, value));
  }

  static String escape(Rendering rendering, String text) {
    rendering.read(text.length());
    TextBuilder escaped = new TextBuilder(rendering);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> escaped.add("&amp;");
        case '<' -> escaped.add("&lt;");
        case '>' -> escaped.add("&gt;");
        case '"' -> escaped.add("&#34;");
        case '\'' -> escaped.add("&#39;");
        default -> escaped.add(c);
      }
    }
    return escaped.build();
  }
}
