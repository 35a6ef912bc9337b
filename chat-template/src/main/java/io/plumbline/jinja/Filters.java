package io.plumbline.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;

/** What stands after {@code |}. */
final class Filters {
  /** One filter. */
  private interface Filter {
    Object apply(Rendering rendering, Object value, Arguments arguments);
  }

  private static final Map<String, Filter> ALL = all();

  private Filters() {}

  /** The names of all filters. */
  static Set<String> names() {
    return ALL.keySet();
  }

  static boolean exists(String name) {
    return ALL.containsKey(name);
  }

  static Object apply(Rendering rendering, String name, Object value, Arguments arguments) {
    Filter filter = ALL.get(name);
    if (filter == null) {
      throw PyError.runtime("there is no filter named '" + name + "'");
    }
    return filter.apply(rendering, value, arguments);
  }

  private static Map<String, Filter> all() {
    Map<String, Filter> all = new HashMap<>();
    all.put("abs", (r, value, a) -> absolute(r, value, a));
    all.put("attr", (r, value, a) -> attr(r, value, a.bind("attr", 1, "name")[0]));
    all.put("batch", Filters::batch);
    all.put("capitalize", (r, value, a) -> on(r, value, a, LetterCase::capitalize));
    all.put(
        "center",
        (r, value, a) -> {
          Object width = or(a.bind("center", 0, "width")[0], 80L);
          String text = Strings.pad(r, Values.str(r, value), width, " ", true, true);
          return like(value, text);
        });
    Filter length =
        (r, value, a) -> {
          a.bindPositional("length", 0, 0);
          return (long) Values.length(r, value);
        };
    all.put("count", length);
    all.put("length", length);
    Filter otherwise = Filters::otherwise;
    all.put("d", otherwise);
    all.put("default", otherwise);
    all.put("dictsort", Filters::dictSort);
    Filter escape =
        (r, value, a) -> {
          a.bindPositional("escape", 0, 0);
          return value instanceof Markup
              ? value
              : new Markup(Markup.escape(r, Values.str(r, value)));
        };
    all.put("e", escape);
    all.put("escape", escape);
    all.put(
        "forceescape",
        (r, value, a) -> {
          a.bind("forceescape", 0);
          return new Markup(Markup.escape(r, Values.str(r, value)));
        });
    all.put("filesizeformat", Filters::fileSize);
    all.put("first", Filters::first);
    all.put("last", Filters::last);
    all.put("float", Filters::toFloat);
    all.put("int", Filters::toInt);
    all.put("format", Filters::format);
    all.put("groupby", Filters::groupBy);
    all.put("indent", Filters::indent);
    all.put(
        "items",
        (r, value, a) -> {
          a.bind("items", 0);
          r.spend(8);
          if (value instanceof Undefined) {
            return new Generator(Collections.emptyIterator());
          }
          if (value instanceof PyDict dict) {
            return new Generator(dict.items(r));
          }
          return failing(r, PyError.type("items needs a mapping"));
        });
    all.put("join", Filters::join);
    all.put(
        "list",
        (r, value, a) -> {
          a.bind("list", 0);
          return Values.listOf(r, value);
        });
    all.put("lower", (r, value, a) -> on(r, value, a, LetterCase::lower));
    all.put("upper", (r, value, a) -> on(r, value, a, LetterCase::upper));
    all.put("map", Filters::map);
    all.put("max", (r, value, a) -> extreme(r, value, a, ">"));
    all.put("min", (r, value, a) -> extreme(r, value, a, "<"));
    for (String name : List.of("pprint", "random", "urlize", "wordwrap")) {
      all.put(
          name,
          (r, value, a) -> {
            throw PyError.runtime("the filter '" + name + "' is not supported");
          });
    }
    all.put("replace", Filters::replace);
    all.put("reverse", Filters::reverse);
    all.put("round", Filters::round);
    all.put(
        "safe",
        (r, value, a) -> {
          a.bind("safe", 0);
          return new Markup(Values.str(r, value));
        });
    all.put("select", (r, value, a) -> select(r, value, a, false, true));
    all.put("reject", (r, value, a) -> select(r, value, a, false, false));
    all.put("selectattr", (r, value, a) -> select(r, value, a, true, true));
    all.put("rejectattr", (r, value, a) -> select(r, value, a, true, false));
    all.put("slice", Filters::slice);
    all.put("sort", Filters::sort);
    all.put(
        "string",
        (r, value, a) -> {
          a.bindPositional("string", 0, 0);
          return Values.isString(value) ? value : Values.str(r, value);
        });
    all.put("striptags", (r, value, a) -> stripTags(r, value, a));
    all.put("sum", Filters::sum);
    all.put("title", (r, value, a) -> on(r, value, a, Filters::title));
    all.put("tojson", (r, value, a) -> Json.dump(r, value, a));
    all.put(
        "trim",
        (r, value, a) -> {
          Object chars = or(a.bind("trim", 0, "chars")[0], null);
          String text = Values.str(r, value);
          if (chars != null && !Values.isString(chars)) {
            throw PyError.type("trim needs a string of characters");
          }
          String set = chars == null ? null : Values.text(chars);
          return like(value, TextParts.strip(r, text, set, TextParts.Ends.BOTH));
        });
    all.put("truncate", Filters::truncate);
    all.put("unique", Filters::unique);
    all.put("urlencode", Filters::urlEncode);
    all.put(
        "wordcount",
        (r, value, a) -> {
          a.bind("wordcount", 0);
          String text = Values.str(r, value);
          r.read(4L * text.length());
          return wordCount(text);
        });
    all.put("xmlattr", Filters::xmlAttributes);
    return all;
  }

  private static Object or(Object value, Object otherwise) {
    return value == Values.MISSING ? otherwise : value;
  }

  private static boolean flag(Rendering rendering, Object value) {
    return value != Values.MISSING && Values.truth(rendering, value);
  }

  /** Text that is marked as safe if what it was made of was. */
  private static Object like(Object source, String text) {
    return source instanceof Markup ? new Markup(text) : text;
  }

  private static Object on(
      Rendering rendering,
      Object value,
      Arguments arguments,
      BiFunction<Rendering, String, String> function) {
    arguments.bind("filter", 0);
    return like(value, function.apply(rendering, Values.str(rendering, value)));
  }

  private static Object absolute(Rendering rendering, Object value, Arguments arguments) {
    arguments.bindPositional("abs", 0, 0);
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!Numbers.isNumber(value)) {
      throw PyError.type("bad operand type for abs(): '" + Values.typeName(value) + "'");
    }
    return Numbers.absolute(rendering, value);
  }

  private static Object attr(Rendering rendering, Object value, Object name) {
    if (!Values.isString(name)) {
      throw PyError.type("attribute name must be string");
    }
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (value instanceof PyDict dict && dict.find(rendering, name) != Values.MISSING) {
      // Elements do not count, only attributes do.
      Object attribute = Attributes.attribute(rendering, new PyDict(), Values.text(name));
      return attribute instanceof Undefined
          ? attribute
          : Attributes.attribute(rendering, dict, Values.text(name));
    }
    return Attributes.attribute(rendering, value, Values.text(name));
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
    return Strings.isSpace(c) || "-({[<".indexOf(c) >= 0;
  }

  private static Object otherwise(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("default", 0, "default_value", "boolean");
    boolean replaced =
        value instanceof Undefined
            || (flag(rendering, bound[1]) && !Values.truth(rendering, value));
    return replaced ? or(bound[0], "") : value;
  }

  // Keys

  private static List<Object> attributeParts(Rendering rendering, Object attribute) {
    List<Object> parts = new ArrayList<>();
    if (attribute == null) {
      return parts;
    }
    if (!Values.isString(attribute)) {
      parts.add(attribute);
      return parts;
    }
    for (Object cut : TextParts.split(rendering, Values.text(attribute), ".", -1)) {
      String part = (String) cut;
      boolean number = !part.isEmpty() && part.chars().allMatch(c -> c >= '0' && c <= '9');
      if (number && part.length() > Texts.MOST_DIGITS) {
        throw PyError.value("a number of " + part.length() + " digits is too long");
      }
      if (number) {
        Numbers.paySquare(rendering, 4L * part.length());
      }
      parts.add(number ? Numbers.normalize(new BigInteger(part)) : part);
    }
    return parts;
  }

  /** Reads an attribute such as {@code a.0.b}; the default, if not null, stands in for absence. */
  private static Function<Object, Object> getter(
      Rendering rendering, Object attribute, boolean ignoreCase, Object otherwise) {
    List<Object> parts = attributeParts(rendering, attribute);
    return item -> {
      Object value = item;
      for (Object part : parts) {
        rendering.spend(4);
        value = Attributes.item(rendering, value, part);
        if (otherwise != null && value instanceof Undefined) {
          value = otherwise;
        }
      }
      return ignoreCase ? folded(rendering, value) : value;
    };
  }

  private static Object folded(Rendering rendering, Object value) {
    return Values.isString(value) ? LetterCase.lower(rendering, Values.text(value)) : value;
  }

  private static Object dictSort(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
    boolean caseSensitive = flag(rendering, bound[0]);
    Object by = or(bound[1], "key");
    if (!"key".equals(by) && !"value".equals(by)) {
      throw PyError.runtime("dictsort can only sort by either \"key\" or \"value\"");
    }
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!(value instanceof PyDict dict)) {
      throw PyError.type("dictsort needs a mapping");
    }
    int position = "key".equals(by) ? 0 : 1;
    return Operators.sorted(
        rendering,
        dict.itemList(rendering),
        item -> {
          Object key = ((Tuple) item).items().get(position);
          return caseSensitive ? key : folded(rendering, key);
        },
        flag(rendering, bound[2]));
  }

  private static Object sort(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
    boolean ignoreCase = !flag(rendering, bound[1]);
    Object attribute = or(bound[2], null);
    List<Function<Object, Object>> getters = new ArrayList<>();
    if (Values.isString(attribute)) {
      for (Object part : TextParts.split(rendering, Values.text(attribute), ",", -1)) {
        getters.add(getter(rendering, part, ignoreCase, null));
      }
    } else {
      getters.add(getter(rendering, attribute, ignoreCase, null));
    }
    return Operators.sorted(
        rendering,
        Values.listOf(rendering, value),
        item -> {
          rendering.makeElements(getters.size());
          List<Object> keys = new ArrayList<>(getters.size());
          getters.forEach(getter -> keys.add(getter.apply(item)));
          return keys;
        },
        flag(rendering, bound[0]));
  }

  private static Object unique(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("unique", 0, "case_sensitive", "attribute");
    Function<Object, Object> getter =
        getter(rendering, or(bound[1], null), !flag(rendering, bound[0]), null);
    Set<Object> seen = new HashSet<>();
    return lazily(
        rendering,
        () -> Values.iterate(rendering, value),
        item -> {
          rendering.spend(6);
          return seen.add(Values.hashKey(rendering, getter.apply(item)));
        },
        item -> item);
  }

  private static Object extreme(
      Rendering rendering, Object value, Arguments arguments, String operator) {
    Object[] bound = arguments.bind("min", 0, "case_sensitive", "attribute");
    Iterator<Object> elements = Values.iterate(rendering, value);
    if (!elements.hasNext()) {
      return Undefined.because("there is no least or greatest item, the sequence is empty");
    }
    Function<Object, Object> getter =
        getter(rendering, or(bound[1], null), !flag(rendering, bound[0]), null);
    Object best = elements.next();
    Object bestKey = getter.apply(best);
    while (elements.hasNext()) {
      rendering.step();
      Object item = elements.next();
      Object key = getter.apply(item);
      if (Operators.ordered(rendering, operator, key, bestKey)) {
        best = item;
        bestKey = key;
      }
    }
    return best;
  }

  private static Object groupBy(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("groupby", 1, "attribute", "default", "case_sensitive");
    boolean caseSensitive = flag(rendering, bound[2]);
    Object otherwise = or(bound[1], null);
    Function<Object, Object> key = getter(rendering, bound[0], !caseSensitive, otherwise);
    Function<Object, Object> shown = getter(rendering, bound[0], false, otherwise);
    List<Object> groups = new ArrayList<>();
    List<Object> group = null;
    Object groupKey = null;
    List<Object> sorted =
        Operators.sorted(rendering, Values.listOf(rendering, value), key::apply, false);
    for (Object item : sorted) {
      Object itemKey = key.apply(item);
      if (group == null || !Operators.equal(rendering, groupKey, itemKey)) {
        rendering.spend(12);
        group = new ArrayList<>();
        groupKey = itemKey;
        groups.add(
            new Tuple(Arrays.asList(caseSensitive ? itemKey : shown.apply(item), group), true));
      }
      group.add(item);
    }
    return groups;
  }

  // Lazy ones

  /** Gives the elements to walk when the first is asked for. */
  private interface Source {
    Iterator<Object> open();
  }

  private static Generator lazily(
      Rendering rendering, Source source, Predicate<Object> kept, Function<Object, Object> mapped) {
    rendering.spend(16);
    return new Generator(
        new Iterator<>() {
          private Iterator<Object> elements;
          private Object found = Values.MISSING;

          @Override
          public boolean hasNext() {
            if (elements == null) {
              elements = source.open();
            }
            while (found == Values.MISSING && elements.hasNext()) {
              Object element = elements.next();
              if (kept.test(element)) {
                found = mapped.apply(element);
              }
            }
            return found != Values.MISSING;
          }

          @Override
          public Object next() {
            if (!hasNext()) {
              throw new NoSuchElementException();
            }
            Object element = found;
            found = Values.MISSING;
            return element;
          }
        });
  }

  private static Generator failing(Rendering rendering, PyError error) {
    return lazily(
        rendering,
        () -> {
          throw error;
        },
        item -> true,
        item -> item);
  }

  private static Object map(Rendering rendering, Object value, Arguments arguments) {
    return lazily(
        rendering,
        () -> {
          if (!Values.truth(rendering, value)) {
            return Collections.emptyIterator();
          }
          Function<Object, Object> function = mapped(rendering, arguments);
          Iterator<Object> elements = Values.iterate(rendering, value);
          return new Iterator<>() {
            @Override
            public boolean hasNext() {
              return elements.hasNext();
            }

            @Override
            public Object next() {
              rendering.step();
              return function.apply(elements.next());
            }
          };
        },
        item -> true,
        item -> item);
  }

  private static Function<Object, Object> mapped(Rendering rendering, Arguments arguments) {
    if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
      Map<String, Object> named = new LinkedHashMap<>(arguments.named());
      Object attribute = named.remove("attribute");
      Object otherwise = named.remove("default");
      if (!named.isEmpty()) {
        throw PyError.runtime(
            "map got an unexpected keyword argument '" + named.keySet().iterator().next() + "'");
      }
      return getter(rendering, attribute, false, otherwise);
    }
    if (arguments.positional().isEmpty()) {
      throw PyError.runtime("map requires a filter argument");
    }
    String name = name(arguments.positional().get(0), "filter");
    Arguments rest =
        new Arguments(
            arguments.positional().subList(1, arguments.positional().size()), arguments.named());
    return item -> apply(rendering, name, item, rest);
  }

  private static String name(Object value, String what) {
    if (!Values.isString(value)) {
      throw PyError.runtime("the name of a " + what + " must be a string");
    }
    return Values.text(value);
  }

  private static Object select(
      Rendering rendering, Object value, Arguments arguments, boolean byAttribute, boolean kept) {
    List<Object> given = arguments.positional();
    Function<Object, Object> tests = tested(rendering, arguments, byAttribute);
    Source source =
        () ->
            Values.truth(rendering, value)
                ? Values.iterate(rendering, value)
                : Collections.emptyIterator();
    return lazily(
        rendering,
        source,
        item -> {
          rendering.spend(4);
          Object tested = tests.apply(item);
          int offset = byAttribute ? 1 : 0;
          boolean result;
          if (given.size() > offset) {
            String name = name(given.get(offset), "test");
            result =
                Tests.apply(
                    rendering,
                    name,
                    tested,
                    new Arguments(given.subList(offset + 1, given.size()), arguments.named()));
          } else {
            result = Values.truth(rendering, tested);
          }
          return result == kept;
        },
        item -> item);
  }

  /** What select and its kin test of an element; the attribute is read when the first is tested. */
  private static Function<Object, Object> tested(
      Rendering rendering, Arguments arguments, boolean byAttribute) {
    if (!byAttribute) {
      return item -> item;
    }
    List<Function<Object, Object>> getters = new ArrayList<>(1);
    return item -> {
      if (getters.isEmpty()) {
        if (arguments.positional().isEmpty()) {
          throw PyError.runtime("the parameter for the attribute name is missing");
        }
        getters.add(getter(rendering, arguments.positional().get(0), false, null));
      }
      return getters.get(0).apply(item);
    };
  }

  private static Object batch(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("batch", 1, "linecount", "fill_with");
    Object fill = or(bound[1], null);
    return lazily(
        rendering,
        () -> {
          List<Object> batches = new ArrayList<>();
          List<Object> current = new ArrayList<>();
          for (Object item : Values.listOf(rendering, value)) {
            if (Operators.equal(rendering, (long) current.size(), bound[0])) {
              rendering.spend(6);
              batches.add(current);
              current = new ArrayList<>();
            }
            current.add(item);
          }
          if (!current.isEmpty()) {
            if (fill != null
                && Operators.ordered(rendering, "<", (long) current.size(), bound[0])) {
              int missing = Strings.integer(bound[0]) - current.size();
              rendering.makeElements(missing);
              for (int i = 0; i < missing; i++) {
                current.add(fill);
              }
            }
            batches.add(current);
          }
          return batches.iterator();
        },
        item -> true,
        item -> item);
  }

  private static Object slice(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("slice", 1, "slices", "fill_with");
    Object fill = or(bound[1], null);
    return lazily(
        rendering,
        () -> {
          List<Object> items = Values.listOf(rendering, value);
          int slices = Strings.integer(bound[0]);
          if (slices == 0) {
            throw PyError.arithmetic("integer division or modulo by zero");
          }
          rendering.makeElements(Math.max(0, slices));
          rendering.spend(6L * Math.max(0, slices));
          int each = Math.floorDiv(items.size(), slices);
          int extra = Math.floorMod(items.size(), slices);
          List<Object> parts = new ArrayList<>();
          int start = 0;
          for (int i = 0; i < slices; i++) {
            int end = start + each + (i < extra ? 1 : 0);
            List<Object> part = new ArrayList<>(items.subList(start, end));
            if (fill != null && i >= extra) {
              part.add(fill);
            }
            parts.add(part);
            start = end;
          }
          return parts.iterator();
        },
        item -> true,
        item -> item);
  }

  // Others

  private static Object first(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("first", 0);
    Iterator<Object> elements = Values.iterate(rendering, value);
    return elements.hasNext()
        ? elements.next()
        : Undefined.because("there is no first item, the sequence is empty");
  }

  private static Object last(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("last", 0);
    if (value instanceof Generator || value instanceof Loop) {
      throw PyError.type("'" + Values.typeName(value) + "' object is not reversible");
    }
    List<Object> items = Values.listOf(rendering, value);
    return items.isEmpty()
        ? Undefined.because("there is no last item, the sequence is empty")
        : items.get(items.size() - 1);
  }

  private static Object reverse(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("reverse", 0);
    if (Values.isString(value)) {
      String text = Values.text(value);
      int size = Strings.count(rendering, text);
      return like(value, Strings.slice(rendering, text, size, size - 1, -1, -1));
    }
    if (!Values.isIterable(value)) {
      throw PyError.runtime("argument must be iterable");
    }
    List<Object> items = Values.listOf(rendering, value);
    Collections.reverse(items);
    return value instanceof Generator || value instanceof Loop
        ? items
        : new Generator(items.iterator(), "reversed");
  }

  private static Object join(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("join", 0, "d", "attribute");
    String separator = Values.str(rendering, or(bound[0], ""));
    Object attribute = or(bound[1], null);
    Function<Object, Object> getter = getter(rendering, attribute, false, null);
    TextBuilder out = new TextBuilder(rendering);
    Iterator<Object> elements = Values.iterate(rendering, value);
    boolean first = true;
    while (elements.hasNext()) {
      Object item = getter.apply(elements.next());
      if (!first) {
        out.add(separator);
      }
      first = false;
      out.add(Values.str(rendering, item));
    }
    return out.build();
  }

  private static Object replace(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("replace", 2, "old", "new", "count");
    Object count = or(bound[2], null);
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
        throw PyError.runtime("format takes positional or keyword arguments, not both");
      }
      PyDict dict = new PyDict();
      dict.putAll(rendering, arguments.named());
      argument = dict;
    }
    return like(value, Formats.percent(rendering, Values.str(rendering, value), argument));
  }

  private static Object indent(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("indent", 0, "width", "first", "blank");
    Object width = or(bound[0], 4L);
    boolean given = Values.isString(width);
    String unit = given ? Values.text(width) : " ";
    int units = given ? 1 : Math.max(0, Strings.integer(width));
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!Values.isString(value)) {
      throw PyError.type("indent needs a string");
    }
    String text = Values.text(value);
    TextBuilder out = new TextBuilder(rendering);
    if (flag(rendering, bound[1])) {
      out.add(unit, units);
    }
    boolean blank = flag(rendering, bound[2]);
    List<Object> lines = TextParts.lines(rendering, text, false);
    // A last line that is empty counts, as in Jinja2, which adds a line break first.
    char last = text.isEmpty() ? '\n' : text.charAt(text.length() - 1);
    if (last != '\r' && TextParts.isLineBreak(last)) {
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
    return like(value, out.build());
  }

  private static Object truncate(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
    int length = Strings.integer(or(bound[0], 255L));
    Object endValue = or(bound[2], "...");
    if (!Values.isString(endValue)) {
      throw PyError.type("the end of truncate must be a string");
    }
    String end = Values.text(endValue);
    Object leewayValue = or(bound[3], null);
    int leeway = leewayValue == null ? 5 : Strings.integer(leewayValue);
    int endLength = Strings.count(rendering, end);
    if (length < endLength || leeway < 0) {
      throw PyError.value("truncate needs a length of at least " + endLength);
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
    if (!flag(rendering, bound[1])) {
      int space = kept.lastIndexOf(' ');
      kept = space < 0 ? kept : kept.substring(0, space);
    }
    return kept + end;
  }

  private static long wordCount(String text) {
    long words = 0;
    boolean inside = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      boolean word = c == '_' || Strings.isAlnum(c);
      if (word && !inside) {
        words++;
      }
      inside = word;
    }
    return words;
  }

  private static Object toInt(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("int", 0, "default", "base");
    int base = Strings.integer(or(bound[1], 10L));
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (Numbers.isInteger(value)) {
      return Numbers.normalize(Numbers.big(value));
    }
    if (value instanceof Double real) {
      if (real.isNaN()) {
        return or(bound[0], 0L);
      }
      return Formats.truncated(real);
    }
    if (!Values.isString(value)) {
      return or(bound[0], 0L);
    }
    Optional<Object> whole = Texts.wholeNumber(rendering, Values.text(value), base);
    if (whole.isPresent()) {
      return whole.get();
    }
    Optional<Double> real = Texts.realNumber(rendering, Values.text(value));
    if (real.isEmpty() || real.get().isNaN() || real.get().isInfinite()) {
      return or(bound[0], 0L);
    }
    return Formats.truncated(real.get());
  }

  private static Object toFloat(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("float", 0, "default");
    Object otherwise = or(bound[0], 0.0);
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (Numbers.isNumber(value)) {
      return Numbers.real(value);
    }
    if (!Values.isString(value)) {
      return otherwise;
    }
    Optional<Double> real = Texts.realNumber(rendering, Values.text(value));
    return real.isPresent() ? real.get() : otherwise;
  }

  private static Object round(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("round", 0, "precision", "method");
    Object precision = or(bound[0], 0L);
    Object method = or(bound[1], "common");
    if (!"common".equals(method) && !"ceil".equals(method) && !"floor".equals(method)) {
      throw PyError.runtime("the method of round must be common, ceil or floor");
    }
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
    if (!Numbers.isNumber(value)) {
      throw PyError.type("type " + Values.typeName(value) + " cannot be rounded");
    }
    if ("common".equals(method)) {
      if (precision == null) {
        return value instanceof Double real
            ? Formats.truncated(Math.rint(real))
            : Operators.positive(value);
      }
      int digits = Strings.integer(precision);
      if (value instanceof Double real) {
        if (real.isNaN() || real.isInfinite() || digits > 400) {
          return real;
        }
        if (digits < -400) {
          return Math.copySign(0.0, real);
        }
        rendering.spend(100);
        double rounded =
            new BigDecimal(real).setScale(digits, RoundingMode.HALF_EVEN).doubleValue();
        return rounded == 0 ? Math.copySign(0.0, real) : rounded;
      }
      if (digits >= 0) {
        return Operators.positive(value);
      }
      if (digits < -10_000) {
        return 0L;
      }
      Numbers.paySquare(rendering, 2L * Numbers.big(value).bitLength() + 4L * -digits);
      return Numbers.normalize(
          new BigDecimal(Numbers.big(value))
              .setScale(digits, RoundingMode.HALF_EVEN)
              .toBigInteger());
    }
    Object factor = Numbers.binary(rendering, "**", 10L, number(precision));
    double scaled = Numbers.real(Numbers.binary(rendering, "*", value, factor));
    Object whole =
        Formats.truncated("ceil".equals(method) ? Math.ceil(scaled) : Math.floor(scaled));
    return Numbers.binary(rendering, "/", whole, factor);
  }

  private static Object number(Object value) {
    if (!Numbers.isNumber(value)) {
      throw PyError.type("a number is required, not " + Values.typeName(value));
    }
    return value;
  }

  private static Object sum(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("sum", 0, "attribute", "start");
    Object total = or(bound[1], 0L);
    if (Values.isString(total)) {
      throw PyError.type("sum() can't sum strings");
    }
    Function<Object, Object> getter = getter(rendering, or(bound[0], null), false, null);
    Iterator<Object> elements = Values.iterate(rendering, value);
    while (elements.hasNext()) {
      total = Operators.binary(rendering, "+", total, getter.apply(elements.next()));
    }
    return total;
  }

  private static Object fileSize(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("filesizeformat", 0, "binary");
    boolean binary = flag(rendering, bound[0]);
    Optional<Double> given =
        Numbers.isNumber(value)
            ? Optional.of(Numbers.real(value))
            : Values.isString(value)
                ? Texts.realNumber(rendering, Values.text(value))
                : Optional.empty();
    double bytes = given.orElseThrow(() -> PyError.value("filesizeformat needs a number"));
    double base = binary ? 1024 : 1000;
    if (bytes == 1) {
      return "1 Byte";
    }
    if (bytes < base) {
      return Values.str(rendering, Formats.truncated(bytes)) + " Bytes";
    }
    String units = "KMGTPEZY";
    double unit = base;
    int last = 0;
    for (int i = 0; i < units.length(); i++) {
      unit = Math.pow(base, i + 2.0);
      last = i;
      if (bytes < unit) {
        break;
      }
    }
    String prefix =
        binary ? units.charAt(last) + "iB" : (last == 0 ? "k" : units.charAt(last) + "") + "B";
    return Formats.percent(rendering, "%.1f", base * bytes / unit) + " " + prefix;
  }

  private static Object stripTags(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("striptags", 0);
    String text = Texts.withoutTags(rendering, Values.str(rendering, value));
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

  private static Object urlEncode(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("urlencode", 0);
    if (Values.isString(value) || !Values.isIterable(value)) {
      TextBuilder out = new TextBuilder(rendering);
      Texts.addQuoted(rendering, out, Values.str(rendering, value), "/", "%20");
      return out.build();
    }
    Object pairs = value instanceof PyDict dict ? new DictView(dict, DictView.Kind.ITEMS) : value;
    TextBuilder out = new TextBuilder(rendering);
    for (Object pair : Values.listOf(rendering, pairs)) {
      List<Object> two = Values.listOf(rendering, pair);
      if (two.size() != 2) {
        throw PyError.value("urlencode needs pairs");
      }
      if (out.length() > 0) {
        out.add('&');
      }
      Texts.addQuoted(rendering, out, Values.str(rendering, two.get(0)), "", "+");
      out.add('=');
      Texts.addQuoted(rendering, out, Values.str(rendering, two.get(1)), "", "+");
    }
    return out.build();
  }

  private static Object xmlAttributes(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("xmlattr", 0, "autospace");
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
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
        throw PyError.value(
            "invalid character in attribute name: " + Values.quote(rendering, PyError.shown(key)));
      }
      String text =
          entry.value() instanceof Markup markup
              ? markup.text()
              : Markup.escape(rendering, Values.str(rendering, entry.value()));
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
