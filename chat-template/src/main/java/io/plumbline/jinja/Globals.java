package io.plumbline.jinja;

import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The functions that every chat template can call. */
final class Globals {
  private Globals() {}

  /** A function that prints with its name. */
  record Named(String name, Callable function) implements Callable {
    @Override
    public Object call(Rendering rendering, Arguments arguments) {
      return function.call(rendering, arguments);
    }

    @Override
    public String describe() {
      // As long as Python's text, whose address no template can rely on.
      return "<" + name + " at 0x000000000000>";
    }
  }

  static Map<String, Object> all() {
    Map<String, Object> globals = new HashMap<>();
    add(globals, "range", Globals::range);
    add(globals, "dict", Globals::dict);
    add(globals, "namespace", (rendering, a) -> new Namespace(dict(rendering, a)));
    add(globals, "cycler", Globals::cycler);
    add(globals, "joiner", Globals::joiner);
    add(
        globals,
        "lipsum",
        (rendering, a) -> {
          throw Unsupported.of("the function 'lipsum' is", "its text is random");
        });
    add(
        globals,
        "raise_exception",
        (rendering, a) -> {
          Object message = a.bind("raise_exception", 1, "message")[0];
          throw new PyError(TemplateException.Code.REFUSED, Values.str(rendering, message));
        });
    add(
        globals,
        "strftime_now",
        (rendering, a) -> {
          Object format = a.bind("strftime_now", 1, "format")[0];
          if (!Values.isString(format)) {
            throw PyError.type("strftime_now() needs a string");
          }
          return Strftime.format(
              rendering, LocalDateTime.now(rendering.clock()), Values.text(format));
        });
    return globals;
  }

  private static void add(Map<String, Object> globals, String name, Callable function) {
    globals.put(name, new Named(name, function));
  }

  private static Object range(Rendering rendering, Arguments arguments) {
    Object[] bound = arguments.bindPositional("range", 1, 3);
    long[] values = {0, 0, 1};
    for (int i = 0; i < 3 && bound[i] != Values.MISSING; i++) {
      if (bound[i] instanceof Undefined undefined) {
        throw PyError.type(undefined.failure().getMessage());
      }
      if (!Numbers.isSmall(bound[i]) || Math.abs(Numbers.real(bound[i])) > 1e15) {
        throw PyError.type("range() needs whole numbers");
      }
      values[i] = Numbers.small(bound[i]);
    }
    if (bound[1] == Values.MISSING) {
      values[1] = values[0];
      values[0] = 0;
    }
    if (values[2] == 0) {
      throw PyError.of("range() arg 3 must not be zero");
    }
    rendering.spend(4);
    boolean empty = (values[1] > values[0]) != (values[2] > 0);
    long distance = Math.abs(values[1] - values[0]);
    if (!empty && (distance - 1) / Math.abs(values[2]) + 1 > PyRange.MOST) {
      throw PyError.of("range() is longer than " + PyRange.MOST);
    }
    return new PyRange(values[0], values[1], values[2]);
  }

  static PyDict dict(Rendering rendering, Arguments arguments) {
    rendering.spend(12);
    PyDict dict = new PyDict();
    if (arguments.positional().size() > 1) {
      throw PyError.type("dict() takes at most one argument");
    }
    for (Object source : arguments.positional()) {
      if (source instanceof PyDict other) {
        other.entries().forEach(entry -> dict.put(rendering, entry.key(), entry.value()));
        continue;
      }
      for (Object pair : Values.listOf(rendering, source)) {
        List<Object> parts = Values.listOf(rendering, pair);
        if (parts.size() != 2) {
          throw PyError.of("dict() needs pairs");
        }
        dict.put(rendering, parts.get(0), parts.get(1));
      }
    }
    dict.putAll(rendering, arguments.named());
    return dict;
  }

  /** Goes round its items, one each time {@code next()} is called. */
  static final class Cycler {
    private final List<Object> items;
    private int position;

    Cycler(List<Object> items) {
      this.items = items;
    }

    Object attribute(Rendering reading, String name) {
      reading.spend(4);
      return switch (name) {
        case "items" -> new Tuple(items);
        case "pos" -> (long) position;
        case "current" -> items.get(position);
        case "next" ->
            (Callable)
                (rendering, arguments) -> {
                  arguments.bindPositional("next", 0, 0);
                  Object item = items.get(position);
                  position = (position + 1) % items.size();
                  return item;
                };
        case "reset" ->
            (Callable)
                (rendering, arguments) -> {
                  arguments.bindPositional("reset", 0, 0);
                  position = 0;
                  return null;
                };
        default -> Values.MISSING;
      };
    }
  }

  private static Object cycler(Rendering rendering, Arguments arguments) {
    if (arguments.positional().isEmpty() || !arguments.named().isEmpty()) {
      throw PyError.of("cycler() needs at least one item");
    }
    rendering.spend(4);
    return new Cycler(arguments.positional());
  }

  private static Object joiner(Rendering rendering, Arguments arguments) {
    Object[] bound = arguments.bind("joiner", 0, "sep");
    Object separator = bound[0] == Values.MISSING ? ", " : bound[0];
    rendering.spend(8);
    boolean[] used = {false};
    return new Named(
        "joiner",
        (r, a) -> {
          a.bindPositional("joiner", 0, 0);
          if (used[0]) {
            return separator;
          }
          used[0] = true;
          return "";
        });
  }
}
