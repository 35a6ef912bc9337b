package io.plumbline.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntPredicate;

/** Python's string methods, counted in Unicode code points. */
final class Strings {
  private static final Set<String> METHODS =
      Set.of(
          "capitalize",
          "casefold",
          "center",
          "count",
          "encode",
          "endswith",
          "expandtabs",
          "find",
          "format",
          "format_map",
          "index",
          "isalnum",
          "isalpha",
          "isascii",
          "isdecimal",
          "isdigit",
          "isidentifier",
          "islower",
          "isnumeric",
          "isprintable",
          "isspace",
          "istitle",
          "isupper",
          "join",
          "ljust",
          "lower",
          "lstrip",
          "maketrans",
          "partition",
          "removeprefix",
          "removesuffix",
          "replace",
          "rfind",
          "rindex",
          "rjust",
          "rpartition",
          "rsplit",
          "rstrip",
          "split",
          "splitlines",
          "startswith",
          "strip",
          "swapcase",
          "title",
          "translate",
          "upper",
          "zfill");

  private static final String[] CHARACTERS = new String[256];

  static {
    for (int i = 0; i < CHARACTERS.length; i++) {
      CHARACTERS[i] = String.valueOf((char) i);
    }
  }

  private Strings() {}

  /** The names of all methods. */
  static Set<String> methods() {
    return METHODS;
  }

  static boolean hasMethod(String name) {
    return METHODS.contains(name);
  }

  // Characters

  static boolean isSpace(int c) {
    return (c >= 0x09 && c <= 0x0d)
        || (c >= 0x1c && c <= 0x20)
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || (c >= 0x2000 && c <= 0x200a)
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  static boolean isSpace(String text) {
    return all(text, Strings::isSpace);
  }

  private static boolean all(String text, IntPredicate predicate) {
    return !text.isEmpty() && text.codePoints().allMatch(predicate);
  }

  static boolean isPrintable(int c) {
    if (c == ' ') {
      return true;
    }
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SPACE_SEPARATOR ->
          false;
      default -> true;
    };
  }

  private static boolean isDecimal(int c) {
    return Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER;
  }

  private static boolean isDigit(int c) {
    return isDecimal(c)
        || c == 0xb2
        || c == 0xb3
        || c == 0xb9
        || c == 0x2070
        || (c >= 0x2074 && c <= 0x2079)
        || (c >= 0x2080 && c <= 0x2089)
        || (c >= 0x2460 && c <= 0x2468)
        || (c >= 0x2474 && c <= 0x247c)
        || (c >= 0x2488 && c <= 0x2490)
        || (c >= 0x2776 && c <= 0x277e)
        || (c >= 0x2780 && c <= 0x2788)
        || (c >= 0x278a && c <= 0x2792);
  }

  private static boolean isNumeric(int c) {
    int type = Character.getType(c);
    return type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER
        || "〇一二三四五六七八九十百千万億兆零壹貳參肆伍陸柒捌玖拾佰仟萬".indexOf(c) >= 0;
  }

  static boolean isAlnum(int c) {
    return Character.isLetter(c) || isDigit(c) || isNumeric(c);
  }

  static boolean isIdentifier(String text) {
    if (text.isEmpty()) {
      return false;
    }
    int first = text.codePointAt(0);
    return (first == '_' || Character.isUnicodeIdentifierStart(first))
        && text.codePoints()
            .allMatch(
                c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
  }

  /** Order by code points, which is not that of UTF-16 units. */
  static int compare(String a, String b) {
    int most = Math.min(a.length(), b.length());
    for (int i = 0; i < most; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean bothSurrogates = Character.isSurrogate(x) == Character.isSurrogate(y);
        if (bothSurrogates) {
          return Character.compare(x, y);
        }
        return Character.isSurrogate(x) ? 1 : -1;
      }
    }
    return Integer.compare(a.length(), b.length());
  }

  static int count(Rendering rendering, String text) {
    rendering.read(text.length() / 2);
    return text.codePointCount(0, text.length());
  }

  /** A character as a string; those that are common are not made anew. */
  static String character(Rendering rendering, int codePoint) {
    if (codePoint < CHARACTERS.length) {
      return CHARACTERS[codePoint];
    }
    rendering.spend(4);
    return Character.toString(codePoint);
  }

  /** A character of Latin-1 as a string that exists once. */
  static String ascii(char c) {
    return CHARACTERS[c];
  }

  /** The character at an index, which may count from the end; or null beyond the text. */
  static String at(Rendering rendering, String text, int index) {
    long distance = index < 0 ? -(long) index : index + 1L;
    if (distance > text.length()) {
      return null;
    }
    rendering.read(distance / 2);
    try {
      int from = index < 0 ? text.length() : 0;
      int at = text.offsetByCodePoints(from, index);
      return at < text.length() ? character(rendering, text.codePointAt(at)) : null;
    } catch (IndexOutOfBoundsException e) {
      return null;
    }
  }

  /** Characters of a text of {@code size} characters, from first to before last. */
  static String slice(Rendering rendering, String text, int size, int first, int last, int stride) {
    if (stride == 1) {
      if (first >= last) {
        return "";
      }
      if (size == text.length()) {
        rendering.makeText(last - first);
        return text.substring(first, last);
      }
      rendering.read(last / 2);
      int start = text.offsetByCodePoints(0, first);
      int end = text.offsetByCodePoints(start, last - first);
      rendering.makeText(end - start);
      return text.substring(start, end);
    }
    rendering.read(text.length());
    TextBuilder out = new TextBuilder(rendering);
    if (stride > 0 ? first >= last : first <= last) {
      return "";
    }
    int at = text.offsetByCodePoints(0, first);
    for (long i = first; stride > 0 ? i < last : i > last; ) {
      out.add(text.codePointAt(at));
      i += stride;
      if (stride > 0 ? i < last : i > last) {
        at = text.offsetByCodePoints(at, stride);
      }
    }
    return out.build();
  }

  static String replace(Rendering rendering, String text, String old, String with, int most) {
    rendering.read(text.length());
    if (most == 0) {
      return text;
    }
    TextBuilder out = new TextBuilder(rendering);
    int done = 0;
    if (old.isEmpty()) {
      int at = 0;
      while (at <= text.length() && (most < 0 || done < most)) {
        rendering.step();
        out.add(with);
        done++;
        if (at == text.length()) {
          return out.build();
        }
        int units = Character.charCount(text.codePointAt(at));
        out.add(text, at, at + units);
        at += units;
      }
      return out.add(text, at, text.length()).build();
    }
    Search search = new Search(rendering, old);
    int start = 0;
    while (most < 0 || done < most) {
      int at = search.next(text, start);
      if (at < 0) {
        break;
      }
      rendering.step();
      out.add(text, start, at).add(with);
      start = at + old.length();
      done++;
    }
    return start == 0 ? text : out.add(text, start, text.length()).build();
  }

  static String join(Rendering rendering, String separator, List<Object> parts) {
    TextBuilder out = new TextBuilder(rendering);
    for (int i = 0; i < parts.size(); i++) {
      rendering.step();
      if (!Values.isString(parts.get(i))) {
        throw PyError.type(
            "sequence item "
                + i
                + ": expected str instance, "
                + Values.typeName(parts.get(i))
                + " found");
      }
      if (i > 0) {
        out.add(separator);
      }
      out.add(Values.text(parts.get(i)));
    }
    return out.build();
  }

  static String pad(
      Rendering rendering, String text, Object width, String fill, boolean left, boolean right) {
    if (fill.length() > 2 || fill.codePointCount(0, fill.length()) != 1) {
      throw PyError.type("the fill character must be exactly one character long");
    }
    long missing = (long) integer(width) - count(rendering, text);
    if (missing <= 0) {
      return text;
    }
    rendering.makeText(missing * fill.length() + text.length());
    int after = 0;
    int before = 0;
    if (left && right) {
      before = (int) (missing / 2 + (missing & integer(width) & 1));
      after = (int) missing - before;
    } else if (left) {
      before = (int) missing;
    } else {
      after = (int) missing;
    }
    return fill.repeat(before) + text + fill.repeat(after);
  }

  // Arguments

  static int integer(Object value) {
    if (!Numbers.isInteger(value)) {
      throw PyError.type("an integer is required, not " + Values.typeName(value));
    }
    return Numbers.index(value);
  }

  private static int integer(Object value, int otherwise) {
    return value == Values.MISSING ? otherwise : integer(value);
  }

  /** A start or end as Python's methods take them: negative from the end, None for none. */
  static int bound(Object value, int otherwise, int size) {
    if (value == Values.MISSING || value == null) {
      return otherwise;
    }
    int index = integer(value);
    return index < 0 ? Math.max(0, index + size) : Math.min(index, size);
  }

  private static String string(Object value) {
    if (!Values.isString(value)) {
      throw PyError.type("a string is required, not " + Values.typeName(value));
    }
    return Values.text(value);
  }

  private static String stringOrNull(Object value) {
    return value == Values.MISSING || value == null ? null : string(value);
  }

  // Methods

  static Object call(Rendering rendering, String text, String name, Arguments arguments) {
    rendering.spend(2);
    switch (name) {
      case "split", "rsplit" -> {
        Object[] bound = arguments.bind(name, 0, "sep", "maxsplit");
        String separator = stringOrNull(bound[0]);
        int most = integer(bound[1], -1);
        return name.equals("split")
            ? TextParts.split(rendering, text, separator, most)
            : TextParts.splitFromRight(rendering, text, separator, most);
      }
      case "splitlines" -> {
        Object[] bound = arguments.bind(name, 0, "keepends");
        boolean keep = bound[0] != Values.MISSING && integer(bound[0]) != 0;
        return TextParts.lines(rendering, text, keep);
      }
      case "encode", "translate", "maketrans" ->
          throw PyError.runtime("the string method '" + name + "' is not supported");
      case "expandtabs" -> {
        Object[] bound = arguments.bind(name, 0, "tabsize");
        return expandTabs(rendering, text, integer(bound[0], 8));
      }
      case "format" -> {
        return Formats.format(rendering, text, arguments);
      }
      case "format_map" -> {
        Object map = arguments.bindPositional(name, 1, 1)[0];
        if (!(map instanceof PyDict dict)) {
          throw PyError.type("format_map() needs a mapping");
        }
        rendering.spend(10L * dict.size());
        Map<String, Object> named = new LinkedHashMap<>();
        for (PyDict.Entry entry : dict.entries()) {
          if (Values.isString(entry.key())) {
            named.put(Values.text(entry.key()), entry.value());
          }
        }
        return Formats.format(rendering, text, new Arguments(List.of(), named));
      }
      case "strip", "lstrip", "rstrip" -> {
        String chars = stringOrNull(arguments.bindPositional(name, 0, 1)[0]);
        TextParts.Ends ends =
            switch (name) {
              case "lstrip" -> TextParts.Ends.LEFT;
              case "rstrip" -> TextParts.Ends.RIGHT;
              default -> TextParts.Ends.BOTH;
            };
        return TextParts.strip(rendering, text, chars, ends);
      }
      case "startswith", "endswith" -> {
        return affix(
            rendering, text, name.equals("startswith"), arguments.bindPositional(name, 1, 3));
      }
      case "find", "index", "rfind", "rindex", "count" -> {
        return search(rendering, text, name, arguments.bindPositional(name, 1, 3));
      }
      case "replace" -> {
        Object[] bound = arguments.bindPositional(name, 2, 3);
        return replace(rendering, text, string(bound[0]), string(bound[1]), integer(bound[2], -1));
      }
      case "join" -> {
        Object parts = arguments.bindPositional(name, 1, 1)[0];
        return join(rendering, text, Values.listOf(rendering, parts));
      }
      case "center", "ljust", "rjust" -> {
        Object[] bound = arguments.bindPositional(name, 1, 2);
        String fill = bound[1] == Values.MISSING ? " " : string(bound[1]);
        return pad(rendering, text, bound[0], fill, !name.equals("ljust"), !name.equals("rjust"));
      }
      case "zfill" -> {
        int width = integer(arguments.bindPositional(name, 1, 1)[0]);
        long missing = (long) width - count(rendering, text);
        if (missing <= 0) {
          return text;
        }
        int signs = text.startsWith("+") || text.startsWith("-") ? 1 : 0;
        return new TextBuilder(rendering)
            .add(text, 0, signs)
            .add("0", (int) missing)
            .add(text, signs, text.length())
            .build();
      }
      case "partition", "rpartition" -> {
        String separator = string(arguments.bindPositional(name, 1, 1)[0]);
        if (separator.isEmpty()) {
          throw PyError.value("empty separator");
        }
        return TextParts.partition(rendering, text, separator, name.equals("partition"));
      }
      case "removeprefix" -> {
        String prefix = string(arguments.bindPositional(name, 1, 1)[0]);
        rendering.read(prefix.length());
        rendering.makeText(text.length());
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = string(arguments.bindPositional(name, 1, 1)[0]);
        rendering.read(suffix.length());
        rendering.makeText(text.length());
        return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      default -> {
        arguments.bindPositional(name, 0, 0);
        return plain(rendering, text, name);
      }
    }
  }

  private static Object plain(Rendering rendering, String text, String name) {
    rendering.read(2L * text.length());
    return switch (name) {
      case "capitalize" -> LetterCase.capitalize(rendering, text);
      case "casefold" -> LetterCase.folded(rendering, text);
      case "lower" -> LetterCase.lower(rendering, text);
      case "upper" -> LetterCase.upper(rendering, text);
      case "title" -> LetterCase.title(rendering, text);
      case "swapcase" -> LetterCase.swapCase(rendering, text);
      case "isalnum" -> all(text, Strings::isAlnum);
      case "isalpha" -> all(text, Character::isLetter);
      case "isascii" -> text.codePoints().allMatch(c -> c < 128);
      case "isdecimal" -> all(text, Strings::isDecimal);
      case "isdigit" -> all(text, Strings::isDigit);
      case "isnumeric" -> all(text, Strings::isNumeric);
      case "isidentifier" -> isIdentifier(text);
      case "islower" -> LetterCase.isLower(text);
      case "isupper" -> LetterCase.isUpper(text);
      case "istitle" -> LetterCase.isTitle(text);
      case "isprintable" -> text.codePoints().allMatch(Strings::isPrintable);
      case "isspace" -> isSpace(text);
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static String expandTabs(Rendering rendering, String text, int size) {
    rendering.read(text.length());
    TextBuilder out = new TextBuilder(rendering);
    int column = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (c == '\t') {
        int spaces = size > 0 ? size - column % size : 0;
        rendering.step();
        out.add(" ", spaces);
        column += spaces;
      } else {
        out.add(c);
        column = c == '\n' || c == '\r' ? 0 : column + 1;
      }
    }
    return out.build();
  }

  private static boolean affix(Rendering rendering, String text, boolean prefix, Object[] bound) {
    boolean whole = bound[1] == Values.MISSING && bound[2] == Values.MISSING;
    String part = text;
    if (!whole) {
      int size = count(rendering, text);
      int start = startBound(bound[1], size);
      int stop = bound(bound[2], size, size);
      part = start > stop ? null : slice(rendering, text, size, start, stop, 1);
    }
    List<Object> affixes =
        bound[0] instanceof Tuple tuple ? tuple.items() : List.of(string(bound[0]));
    for (Object affix : affixes) {
      String wanted = string(affix);
      rendering.step();
      rendering.read(wanted.length());
      if (part != null && (prefix ? part.startsWith(wanted) : part.endsWith(wanted))) {
        return true;
      }
    }
    return false;
  }

  /** A start may lie beyond the end, where not even the empty string is found. */
  private static int startBound(Object value, int size) {
    if (value == Values.MISSING || value == null) {
      return 0;
    }
    int index = integer(value);
    return index < 0 ? Math.max(0, index + size) : Math.min(index, size + 1);
  }

  private static Object search(Rendering rendering, String text, String name, Object[] bound) {
    String wanted = string(bound[0]);
    String part = text;
    int start = 0;
    if (bound[1] != Values.MISSING || bound[2] != Values.MISSING) {
      int size = count(rendering, text);
      start = startBound(bound[1], size);
      int stop = bound(bound[2], size, size);
      part = start > stop ? null : slice(rendering, text, size, start, stop, 1);
    }
    if (part == null || wanted.length() > part.length()) {
      return absent(name);
    }
    rendering.read(2L * part.length());
    Search search = new Search(rendering, wanted);
    if (name.equals("count")) {
      if (wanted.isEmpty()) {
        return (long) count(rendering, part) + 1;
      }
      long found = 0;
      for (int at = search.next(part, 0); at >= 0; at = search.next(part, at + wanted.length())) {
        found++;
      }
      return found;
    }
    int at = name.startsWith("r") ? search.previous(part, part.length()) : search.next(part, 0);
    return at < 0 ? absent(name) : (Object) ((long) start + part.codePointCount(0, at));
  }

  private static Object absent(String name) {
    if (name.endsWith("index")) {
      throw PyError.value("substring not found");
    }
    return name.equals("count") ? 0L : -1L;
  }
}
