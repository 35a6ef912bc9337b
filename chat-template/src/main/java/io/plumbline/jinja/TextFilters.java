package io.plumbline.jinja;

import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/** Filters that make texts of texts. */
final class TextFilters {
  private TextFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    all.put("capitalize", on(LetterCase::capitalize));
    all.put("lower", on(LetterCase::lower));
    all.put("upper", on(LetterCase::upper));
    all.put("title", on(TextFilters::title));
    all.put("center", TextFilters::center);
    all.put("format", TextFilters::format);
    all.put("indent", TextFilters::indent);
    all.put("replace", TextFilters::replace);
    all.put("string", TextFilters::string);
    all.put("trim", TextFilters::trim);
    all.put("truncate", TextFilters::truncate);
    all.put("wordcount", TextFilters::wordCount);
  }

  private static Filters.Filter on(BiFunction<Rendering, String, String> function) {
    return (rendering, value, arguments) -> {
      arguments.bind("filter", 0);
      return Markup.like(value, function.apply(rendering, Values.str(rendering, value)));
    };
  }

  private static Object string(Rendering rendering, Object value, Arguments arguments) {
    arguments.bindPositional("string", 0, 0);
    return Values.isString(value) ? value : Values.str(rendering, value);
  }

  private static Object trim(Rendering rendering, Object value, Arguments arguments) {
    Object chars = Arguments.or(arguments.bind("trim", 0, "chars")[0], null);
    if (chars != null && !Values.isString(chars)) {
      throw PyError.type("trim needs a string of characters");
    }
    String text = Values.str(rendering, value);
    String set = chars == null ? null : Values.text(chars);
    return Markup.like(value, TextParts.strip(rendering, text, set, TextParts.Ends.BOTH));
  }

  private static Object center(Rendering rendering, Object value, Arguments arguments) {
    int width = Strings.integer(Arguments.or(arguments.bind("center", 0, "width")[0], 80L));
    String text = Values.str(rendering, value);
    int missing = Math.max(0, width - Strings.count(rendering, text));
    int before = missing / 2 + (missing & width & 1);
    TextBuilder out = new TextBuilder(rendering).add(" ", before).add(text);
    return Markup.like(value, out.add(" ", missing - before).build());
  }

  private static String title(Rendering rendering, String text) {
    rendering.read(text.length());
    TextBuilder out = new TextBuilder(rendering);
    int start = 0;
    while (start < text.length()) {
      boolean separator = isSeparator(text.charAt(start));
      int end = start;
      while (end < text.length() && isSeparator(text.charAt(end)) == separator) {
        end++;
      }
      rendering.makeText(2L * (end - start));
      String part = text.substring(start, end);
      int first = Character.charCount(part.codePointAt(0));
      out.add(LetterCase.upper(rendering, part.substring(0, first)));
      out.add(LetterCase.lower(rendering, part.substring(first)));
      start = end;
    }
    return out.build();
  }

  private static boolean isSeparator(char c) {
    return Characters.isSpace(c) || "-({[<".indexOf(c) >= 0;
  }

  private static Object replace(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("replace", 2, "old", "new", "count");
    Object count = Arguments.or(bound[2], null);
    return Strings.replace(
        rendering,
        Values.str(rendering, value),
        Values.str(rendering, bound[0]),
        Values.str(rendering, bound[1]),
        count == null ? -1 : Strings.integer(count));
  }

  private static Object format(Rendering rendering, Object value, Arguments arguments) {
    Object argument = new Tuple(arguments.positional());
    if (!arguments.named().isEmpty()) {
      if (!arguments.positional().isEmpty()) {
        throw PyError.of("format takes positional or keyword arguments, not both");
      }
      PyDict dict = new PyDict();
      dict.putAll(rendering, arguments.named());
      argument = dict;
    }
    return Markup.like(value, Formats.percent(rendering, Values.str(rendering, value), argument));
  }

  private static Object indent(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("indent", 0, "width", "first", "blank");
    Object width = Arguments.or(bound[0], 4L);
    boolean given = Values.isString(width);
    String unit = given ? Values.text(width) : " ";
    int units = given ? 1 : Math.max(0, Strings.integer(width));
    Undefined.refuse(value);
    if (!Values.isString(value)) {
      throw PyError.type("indent needs a string");
    }
    String text = Values.text(value);
    TextBuilder out = new TextBuilder(rendering);
    if (Arguments.flag(rendering, bound[1])) {
      out.add(unit, units);
    }
    boolean blank = Arguments.flag(rendering, bound[2]);
    List<Object> lines = TextParts.lines(rendering, text, false);
    // A last line that is empty counts, as in Jinja2, which adds a line break first.
    char last = text.isEmpty() ? '\n' : text.charAt(text.length() - 1);
    if (last != '\r' && Characters.isLineBreak(last)) {
      lines.add("");
    }
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      if (i > 0) {
        rendering.step();
        out.add('\n');
        if (blank || !line.isEmpty()) {
          out.add(unit, units);
        }
      }
      out.add(line);
    }
    return Markup.like(value, out.build());
  }

  private static Object truncate(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
    int length = Strings.integer(Arguments.or(bound[0], 255L));
    Object endValue = Arguments.or(bound[2], "...");
    if (!Values.isString(endValue)) {
      throw PyError.type("the end of truncate must be a string");
    }
    String end = Values.text(endValue);
    Object leewayValue = Arguments.or(bound[3], null);
    int leeway = leewayValue == null ? 5 : Strings.integer(leewayValue);
    int endLength = Strings.count(rendering, end);
    if (length < endLength || leeway < 0) {
      throw PyError.of("truncate needs a length of at least " + endLength);
    }
    int size = Values.length(rendering, value);
    if (size <= (long) length + leeway) {
      return value;
    }
    if (!Values.isString(value)) {
      throw PyError.type("truncate needs a string");
    }
    String kept = Strings.slice(rendering, Values.text(value), size, 0, length - endLength, 1);
    rendering.makeText(2L * kept.length() + end.length());
    if (!Arguments.flag(rendering, bound[1])) {
      int space = kept.lastIndexOf(' ');
      kept = space < 0 ? kept : kept.substring(0, space);
    }
    return kept + end;
  }

  private static Object wordCount(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("wordcount", 0);
    String text = Values.str(rendering, value);
    rendering.read(4L * text.length());
    long words = 0;
    boolean inside = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      boolean word = c == '_' || Characters.isAlnum(c);
      if (word && !inside) {
        words++;
      }
      inside = word;
    }
    return words;
  }
}
