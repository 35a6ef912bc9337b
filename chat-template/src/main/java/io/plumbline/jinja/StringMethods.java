package io.plumbline.jinja;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** The methods of Python's strings that chat templates use. */
final class StringMethods {
  /** One method. */
  private interface Method {
    Object call(Rendering rendering, String text, Arguments arguments);
  }

  /** What a method without arguments makes of a text. */
  private interface Plain {
    Object of(Rendering rendering, String text);
  }

  private static final Map<String, Method> ALL =
      Map.ofEntries(
          Map.entry("capitalize", plain("capitalize", LetterCase::capitalize)),
          Map.entry("lower", plain("lower", LetterCase::lower)),
          Map.entry("title", plain("title", LetterCase::title)),
          Map.entry("upper", plain("upper", LetterCase::upper)),
          Map.entry("isalnum", plain("isalnum", (r, s) -> Characters.all(s, Characters::isAlnum))),
          Map.entry("isalpha", plain("isalpha", (r, s) -> Characters.all(s, Character::isLetter))),
          Map.entry("isdigit", plain("isdigit", (r, s) -> Characters.all(s, Characters::isDigit))),
          Map.entry("isspace", plain("isspace", (r, s) -> Characters.all(s, Characters::isSpace))),
          Map.entry("islower", plain("islower", (r, s) -> LetterCase.isLower(s))),
          Map.entry("isupper", plain("isupper", (r, s) -> LetterCase.isUpper(s))),
          Map.entry("strip", strip("strip", TextParts.Ends.BOTH)),
          Map.entry("lstrip", strip("lstrip", TextParts.Ends.LEFT)),
          Map.entry("rstrip", strip("rstrip", TextParts.Ends.RIGHT)),
          Map.entry("startswith", (r, s, a) -> affix(r, s, true, a)),
          Map.entry("endswith", (r, s, a) -> affix(r, s, false, a)),
          Map.entry("removeprefix", (r, s, a) -> withoutPrefix(r, s, a)),
          Map.entry("removesuffix", (r, s, a) -> withoutSuffix(r, s, a)),
          Map.entry("count", StringMethods::count),
          Map.entry("find", (r, s, a) -> find(r, s, "find", a)),
          Map.entry("index", (r, s, a) -> find(r, s, "index", a)),
          Map.entry("replace", StringMethods::replace),
          Map.entry("split", StringMethods::split),
          Map.entry("splitlines", StringMethods::splitLines),
          Map.entry("join", StringMethods::join),
          Map.entry("format", Formats::format));

  private StringMethods() {}

  static Set<String> names() {
    return ALL.keySet();
  }

  static Object call(Rendering rendering, String text, String name, Arguments arguments) {
    rendering.spend(2);
    return ALL.get(name).call(rendering, text, arguments);
  }

  private static Method plain(String name, Plain function) {
    return (rendering, text, arguments) -> {
      arguments.bindPositional(name, 0, 0);
      rendering.read(2L * text.length());
      return function.of(rendering, text);
    };
  }

  private static Method strip(String name, TextParts.Ends ends) {
    return (rendering, text, arguments) -> {
      String chars = stringOrNull(arguments.bindPositional(name, 0, 1)[0]);
      return TextParts.strip(rendering, text, chars, ends);
    };
  }

  private static int integer(Object value, int otherwise) {
    return value == Values.MISSING ? otherwise : Strings.integer(value);
  }

  private static String string(Object value) {
    if (!Values.isString(value)) {
      throw PyError.type("a string is required, not %s", value);
    }
    return Values.text(value);
  }

  private static String stringOrNull(Object value) {
    return value == Values.MISSING || value == null ? null : string(value);
  }

  private static Object split(Rendering rendering, String text, Arguments arguments) {
    Object[] bound = arguments.bind("split", 0, "sep", "maxsplit");
    return TextParts.split(rendering, text, stringOrNull(bound[0]), integer(bound[1], -1));
  }

  private static Object splitLines(Rendering rendering, String text, Arguments arguments) {
    Object[] bound = arguments.bind("splitlines", 0, "keepends");
    return TextParts.lines(rendering, text, integer(bound[0], 0) != 0);
  }

  private static Object join(Rendering rendering, String text, Arguments arguments) {
    Object parts = arguments.bindPositional("join", 1, 1)[0];
    return Strings.join(rendering, text, Values.listOf(rendering, parts));
  }

  private static Object replace(Rendering rendering, String text, Arguments arguments) {
    Object[] bound = arguments.bindPositional("replace", 2, 3);
    return Strings.replace(
        rendering, text, string(bound[0]), string(bound[1]), integer(bound[2], -1));
  }

  private static Object withoutPrefix(Rendering rendering, String text, Arguments arguments) {
    String prefix = string(arguments.bindPositional("removeprefix", 1, 1)[0]);
    rendering.read(prefix.length());
    rendering.makeText(text.length());
    return text.startsWith(prefix) ? text.substring(prefix.length()) : text;
  }

  private static Object withoutSuffix(Rendering rendering, String text, Arguments arguments) {
    String suffix = string(arguments.bindPositional("removesuffix", 1, 1)[0]);
    rendering.read(suffix.length());
    rendering.makeText(text.length());
    return text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
  }

  /**
   * The part of a text from a start to an end; null for a start behind either, where not even the
   * empty string is found.
   */
  private static String part(Rendering rendering, String text, Object from, Object to) {
    if (from == Values.MISSING && to == Values.MISSING) {
      return text;
    }
    int size = Strings.count(rendering, text);
    int start = start(from, size);
    int stop = Strings.bound(to, size, size);
    return start > stop ? null : Strings.slice(rendering, text, size, start, stop, 1);
  }

  private static int start(Object from, int size) {
    boolean behind = Numbers.isInteger(from) && Numbers.index(from) > size;
    return behind ? size + 1 : Strings.bound(from, 0, size);
  }

  private static boolean affix(
      Rendering rendering, String text, boolean prefix, Arguments arguments) {
    Object[] bound = arguments.bindPositional(prefix ? "startswith" : "endswith", 1, 3);
    String part = part(rendering, text, bound[1], bound[2]);
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

  private static Object count(Rendering rendering, String text, Arguments arguments) {
    Object[] bound = arguments.bindPositional("count", 1, 3);
    String wanted = string(bound[0]);
    String part = part(rendering, text, bound[1], bound[2]);
    if (part == null || wanted.length() > part.length()) {
      return 0L;
    }
    if (wanted.isEmpty()) {
      return (long) Strings.count(rendering, part) + 1;
    }
    rendering.read(2L * part.length());
    Search search = new Search(rendering, wanted);
    long found = 0;
    for (int at = search.next(part, 0); at >= 0; at = search.next(part, at + wanted.length())) {
      found++;
    }
    return found;
  }

  private static Object find(Rendering rendering, String text, String name, Arguments arguments) {
    Object[] bound = arguments.bindPositional(name, 1, 3);
    String wanted = string(bound[0]);
    String part = part(rendering, text, bound[1], bound[2]);
    int at = -1;
    if (part != null && wanted.length() <= part.length()) {
      rendering.read(2L * part.length());
      at = new Search(rendering, wanted).next(part, 0);
    }
    if (at < 0 && name.equals("index")) {
      throw PyError.of("substring not found");
    }
    if (at < 0) {
      return -1L;
    }
    int start = bound[1] == Values.MISSING ? 0 : start(bound[1], Strings.count(rendering, text));
    return (long) start + part.codePointCount(0, at);
  }
}
