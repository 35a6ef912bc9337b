package io.plumbline.jinja;

/** A string that is marked as safe HTML: what joins it is escaped. */
record Markup(String text) {
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
