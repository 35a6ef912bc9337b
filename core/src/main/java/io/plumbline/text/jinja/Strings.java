package io.plumbline.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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

  private Strings() {}

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

  private static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
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

  static int count(String text) {
    return text.codePointCount(0, text.length());
  }

  static String slice(String text, int size, int first, int last, int stride) {
    if (stride == 1) {
      if (first >= last) {
        return "";
      }
      if (size == text.length()) {
        return text.substring(first, last);
      }
      int start = text.offsetByCodePoints(0, first);
      return text.substring(start, text.offsetByCodePoints(start, last - first));
    }
    int[] codePoints = text.codePoints().toArray();
    StringBuilder out = new StringBuilder();
    for (long i = first; stride > 0 ? i < last : i > last; i += stride) {
      out.appendCodePoint(codePoints[(int) i]);
    }
    return out.toString();
  }

  // Stripping

  private static boolean strips(int c, String chars) {
    return chars == null ? isSpace(c) : chars.indexOf(c) >= 0;
  }

  static String stripRight(String text) {
    return stripRight(text, null);
  }

  static String stripLeft(String text, String chars) {
    int start = 0;
    while (start < text.length() && strips(text.codePointAt(start), chars)) {
      start += Character.charCount(text.codePointAt(start));
    }
    return text.substring(start);
  }

  static String stripRight(String text, String chars) {
    int end = text.length();
    while (end > 0 && strips(text.codePointBefore(end), chars)) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(0, end);
  }

  // Case

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private static String titleCase(int c) {
    String upper = Character.toString(c).toUpperCase(Locale.ROOT);
    int units = Character.charCount(upper.codePointAt(0));
    if (upper.length() > units) {
      return upper.substring(0, units) + upper.substring(units).toLowerCase(Locale.ROOT);
    }
    return Character.toString(Character.toTitleCase(c));
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    // Lowering the whole keeps the context that a final sigma depends on.
    String rest = lower(text);
    String firstLower = lower(Character.toString(first));
    return titleCase(first) + rest.substring(Math.min(firstLower.length(), rest.length()));
  }

  private static String title(String text) {
    StringBuilder out = new StringBuilder(text.length());
    Lowered lowered = new Lowered(text);
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      out.append(inWord ? lowered.at(i, c) : titleCase(c));
      inWord = isCased(c);
      i += Character.charCount(c);
    }
    return out.toString();
  }

  private static String swapCase(String text) {
    StringBuilder out = new StringBuilder(text.length());
    Lowered lowered = new Lowered(text);
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      String one = Character.toString(c);
      out.append(
          Character.isUpperCase(c)
              ? lowered.at(i, c)
              : Character.isLowerCase(c) ? upper(one) : one);
      i += Character.charCount(c);
    }
    return out.toString();
  }

  /** Characters in lower case within their text, which a final sigma depends on. */
  private static final class Lowered {
    private final String text;
    private final boolean sameLayout;

    Lowered(String original) {
      this.text = lower(original);
      this.sameLayout = text.length() == original.length();
    }

    /** The character {@code c} at place {@code i} of the original. */
    String at(int i, int c) {
      return sameLayout
          ? text.substring(i, i + Character.charCount(c))
          : lower(Character.toString(c));
    }
  }

  private static boolean isTitle(String text) {
    boolean cased = false;
    boolean previousCased = false;
    for (int c : text.codePoints().toArray()) {
      if (Character.isUpperCase(c) || Character.isTitleCase(c)) {
        if (previousCased) {
          return false;
        }
        previousCased = true;
        cased = true;
      } else if (Character.isLowerCase(c)) {
        if (!previousCased) {
          return false;
        }
        previousCased = true;
        cased = true;
      } else {
        previousCased = false;
      }
    }
    return cased;
  }

  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Character::isLowerCase)
        && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }

  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Character::isUpperCase)
        && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
  }

  // Splitting

  private static boolean isLineBreak(int c) {
    return (c >= 0x0a && c <= 0x0d)
        || (c >= 0x1c && c <= 0x1e)
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  static List<Object> lines(String text, boolean keepEnds) {
    List<Object> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      if (!isLineBreak(text.charAt(i))) {
        continue;
      }
      int end = i;
      if (text.charAt(i) == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
        i++;
      }
      lines.add(text.substring(start, keepEnds ? i + 1 : end));
      start = i + 1;
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private static List<Object> splitSpaces(String text, int most) {
    List<Object> parts = new ArrayList<>();
    int at = 0;
    while (true) {
      while (at < text.length() && isSpace(text.charAt(at))) {
        at++;
      }
      if (at >= text.length()) {
        return parts;
      }
      if (most >= 0 && parts.size() >= most) {
        parts.add(stripRight(text.substring(at)));
        return parts;
      }
      int start = at;
      while (at < text.length() && !isSpace(text.charAt(at))) {
        at++;
      }
      parts.add(text.substring(start, at));
    }
  }

  private static List<Object> splitSpacesFromRight(String text, int most) {
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    while (true) {
      while (end > 0 && isSpace(text.charAt(end - 1))) {
        end--;
      }
      if (end <= 0) {
        return parts;
      }
      if (most >= 0 && parts.size() >= most) {
        parts.add(0, stripLeft(text.substring(0, end), null));
        return parts;
      }
      int stop = end;
      while (end > 0 && !isSpace(text.charAt(end - 1))) {
        end--;
      }
      parts.add(0, text.substring(end, stop));
    }
  }

  static List<Object> split(Rendering rendering, String text, String separator, int most) {
    rendering.chargeElements(text.length());
    if (separator == null) {
      return splitSpaces(text, most);
    }
    if (separator.isEmpty()) {
      throw PyError.value("empty separator");
    }
    List<Object> parts = new ArrayList<>();
    int start = 0;
    while (most < 0 || parts.size() < most) {
      int at = text.indexOf(separator, start);
      if (at < 0) {
        break;
      }
      parts.add(text.substring(start, at));
      start = at + separator.length();
    }
    parts.add(text.substring(start));
    return parts;
  }

  static List<Object> splitFromRight(Rendering rendering, String text, String separator, int most) {
    rendering.chargeElements(text.length());
    if (separator == null) {
      return splitSpacesFromRight(text, most);
    }
    if (separator.isEmpty()) {
      throw PyError.value("empty separator");
    }
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    while (most < 0 || parts.size() < most) {
      int at =
          end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
      if (at < 0) {
        break;
      }
      parts.add(text.substring(at + separator.length(), end));
      end = at;
    }
    parts.add(text.substring(0, end));
    java.util.Collections.reverse(parts);
    return parts;
  }

  static String replace(Rendering rendering, String text, String old, String with, int most) {
    rendering.charge(text.length());
    if (most == 0) {
      return text;
    }
    StringBuilder out = new StringBuilder(text.length());
    int done = 0;
    if (old.isEmpty()) {
      int at = 0;
      while (at <= text.length() && (most < 0 || done < most)) {
        rendering.append(out, with);
        done++;
        if (at == text.length()) {
          return out.toString();
        }
        int units = Character.charCount(text.codePointAt(at));
        out.append(text, at, at + units);
        at += units;
      }
      return out.append(text, at, text.length()).toString();
    }
    int start = 0;
    while (most < 0 || done < most) {
      int at = text.indexOf(old, start);
      if (at < 0) {
        break;
      }
      rendering.append(out, text.substring(start, at));
      rendering.append(out, with);
      start = at + old.length();
      done++;
    }
    return out.append(text, start, text.length()).toString();
  }

  static String join(Rendering rendering, String separator, List<Object> parts) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < parts.size(); i++) {
      if (!Values.isString(parts.get(i))) {
        throw PyError.type(
            "sequence item "
                + i
                + ": expected str instance, "
                + Values.typeName(parts.get(i))
                + " found");
      }
      if (i > 0) {
        rendering.append(out, separator);
      }
      rendering.append(out, Values.text(parts.get(i)));
    }
    return out.toString();
  }

  static String pad(
      Rendering rendering, String text, Object width, String fill, boolean left, boolean right) {
    if (count(fill) != 1) {
      throw PyError.type("the fill character must be exactly one character long");
    }
    int missing = integer(width) - count(text);
    if (missing <= 0) {
      return text;
    }
    rendering.charge((long) missing + text.length());
    int before = left ? missing : 0;
    if (left && right) {
      before = missing / 2 + (missing & integer(width) & 1);
    }
    return fill.repeat(before) + text + fill.repeat(right ? missing - before : 0);
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
    rendering.charge(text.length());
    switch (name) {
      case "split", "rsplit" -> {
        Object[] bound = arguments.bind(name, 0, "sep", "maxsplit");
        String separator = stringOrNull(bound[0]);
        int most = integer(bound[1], -1);
        return name.equals("split")
            ? split(rendering, text, separator, most)
            : splitFromRight(rendering, text, separator, most);
      }
      case "splitlines" -> {
        Object[] bound = arguments.bind(name, 0, "keepends");
        rendering.chargeElements(text.length());
        boolean keep = bound[0] != Values.MISSING && integer(bound[0]) != 0;
        return lines(text, keep);
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
        java.util.Map<String, Object> named = new java.util.LinkedHashMap<>();
        for (PyDict.Entry entry : dict.entries()) {
          if (Values.isString(entry.key())) {
            named.put(Values.text(entry.key()), entry.value());
          }
        }
        return Formats.format(rendering, text, new Arguments(List.of(), named));
      }
      case "strip", "lstrip", "rstrip" -> {
        String chars = stringOrNull(arguments.bindPositional(name, 0, 1)[0]);
        String stripped = name.equals("rstrip") ? text : stripLeft(text, chars);
        return name.equals("lstrip") ? stripped : stripRight(stripped, chars);
      }
      case "startswith", "endswith" -> {
        return affix(text, name.equals("startswith"), arguments.bindPositional(name, 1, 3));
      }
      case "find", "index", "rfind", "rindex", "count" -> {
        return search(text, name, arguments.bindPositional(name, 1, 3));
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
        int missing = width - count(text);
        if (missing <= 0) {
          return text;
        }
        rendering.charge(width);
        boolean signed = text.startsWith("+") || text.startsWith("-");
        return (signed ? text.substring(0, 1) : "")
            + "0".repeat(missing)
            + (signed ? text.substring(1) : text);
      }
      case "partition", "rpartition" -> {
        String separator = string(arguments.bindPositional(name, 1, 1)[0]);
        if (separator.isEmpty()) {
          throw PyError.value("empty separator");
        }
        boolean first = name.equals("partition");
        int at = first ? text.indexOf(separator) : text.lastIndexOf(separator);
        if (at < 0) {
          return first ? Tuple.of(text, "", "") : Tuple.of("", "", text);
        }
        return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
      }
      case "removeprefix" -> {
        String prefix = string(arguments.bindPositional(name, 1, 1)[0]);
        return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = string(arguments.bindPositional(name, 1, 1)[0]);
        return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      default -> {
        arguments.bindPositional(name, 0, 0);
        return plain(text, name);
      }
    }
  }

  private static Object plain(String text, String name) {
    return switch (name) {
      case "capitalize" -> capitalize(text);
      case "casefold" -> lower(upper(text));
      case "lower" -> lower(text);
      case "upper" -> upper(text);
      case "title" -> title(text);
      case "swapcase" -> swapCase(text);
      case "isalnum" -> all(text, Strings::isAlnum);
      case "isalpha" -> all(text, Character::isLetter);
      case "isascii" -> text.codePoints().allMatch(c -> c < 128);
      case "isdecimal" -> all(text, Strings::isDecimal);
      case "isdigit" -> all(text, Strings::isDigit);
      case "isnumeric" -> all(text, Strings::isNumeric);
      case "isidentifier" -> isIdentifier(text);
      case "islower" -> isLower(text);
      case "isupper" -> isUpper(text);
      case "istitle" -> isTitle(text);
      case "isprintable" -> text.codePoints().allMatch(Strings::isPrintable);
      case "isspace" -> isSpace(text);
      default -> throw new IllegalArgumentException(name);
    };
  }

  private static String expandTabs(Rendering rendering, String text, int size) {
    StringBuilder out = new StringBuilder();
    int column = 0;
    for (int c : text.codePoints().toArray()) {
      if (c == '\t') {
        int spaces = size > 0 ? size - column % size : 0;
        rendering.charge(spaces);
        rendering.append(out, " ".repeat(spaces));
        column += spaces;
      } else {
        out.appendCodePoint(c);
        column = c == '\n' || c == '\r' ? 0 : column + 1;
      }
    }
    return out.toString();
  }

  private static boolean affix(String text, boolean prefix, Object[] bound) {
    int size = count(text);
    boolean whole = bound[1] == Values.MISSING && bound[2] == Values.MISSING;
    int start = whole ? 0 : startBound(bound[1], size);
    int stop = bound(bound[2], size, size);
    List<Object> affixes =
        bound[0] instanceof Tuple tuple ? tuple.items() : List.of(string(bound[0]));
    String part = whole ? text : start > stop ? null : slice(text, size, start, stop, 1);
    for (Object affix : affixes) {
      String wanted = string(affix);
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

  private static Object search(String text, String name, Object[] bound) {
    String wanted = string(bound[0]);
    int size = count(text);
    int start = startBound(bound[1], size);
    int stop = bound(bound[2], size, size);
    String part = start > stop ? null : slice(text, size, start, stop, 1);
    if (name.equals("count")) {
      if (part == null) {
        return 0L;
      }
      if (wanted.isEmpty()) {
        return (long) count(part) + 1;
      }
      long found = 0;
      for (int at = part.indexOf(wanted);
          at >= 0;
          at = part.indexOf(wanted, at + wanted.length())) {
        found++;
      }
      return found;
    }
    int at =
        part == null ? -1 : name.startsWith("r") ? part.lastIndexOf(wanted) : part.indexOf(wanted);
    if (at < 0) {
      if (name.endsWith("index")) {
        throw PyError.value("substring not found");
      }
      return -1L;
    }
    return (long) start + part.codePointCount(0, at);
  }
}
