package io.plumbline.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;

/** The {@code loop} variable. */
final class Loop implements Callable {
  private final Object source;
  private Iterator<Object> elements;
  private final int depth0;
  private final Optional<Function<Object, String>> recursion;
  private int index0 = -1;
  private OptionalInt length = OptionalInt.empty();
  private Object after = Values.MISSING;
  private Object current = Values.MISSING;
  private Object before = Values.MISSING;
  private List<Object> lastChanged;

  Loop(
      Object source,
      Iterator<Object> elements,
      int depth0,
      Optional<Function<Object, String>> recursion) {
    this.source = source;
    this.elements = elements;
    this.depth0 = depth0;
    this.recursion = recursion;
  }

  /** Moves on; false at the end. */
  boolean next() {
    Object next;
    if (after != Values.MISSING) {
      next = after;
      after = Values.MISSING;
    } else if (elements.hasNext()) {
      next = elements.next();
    } else {
      return false;
    }
    index0++;
    before = current;
    current = next;
    return true;
  }

  Object current() {
    return current;
  }

  int length(Rendering rendering) {
    if (length.isEmpty()) {
      if (Values.hasLength(source)) {
        length = OptionalInt.of(Values.length(rendering, source));
      } else {
        List<Object> rest = Values.listOf(rendering, new Generator(elements));
        elements = rest.iterator();
        length = OptionalInt.of(rest.size() + index0 + 1 + (after == Values.MISSING ? 0 : 1));
      }
    }
    return length.getAsInt();
  }

  private Object peek() {
    if (after == Values.MISSING && elements.hasNext()) {
      after = elements.next();
    }
    return after;
  }

  Object attribute(Rendering rendering, String name) {
    rendering.spend(2);
    return switch (name) {
      case "index" -> (long) index0 + 1;
      case "index0" -> (long) index0;
      case "depth" -> (long) depth0 + 1;
      case "depth0" -> (long) depth0;
      case "length" -> (long) length(rendering);
      case "revindex" -> (long) length(rendering) - index0;
      case "revindex0" -> (long) length(rendering) - index0 - 1;
      case "first" -> index0 == 0;
      case "last" -> peek() == Values.MISSING;
      case "previtem" -> index0 == 0 ? Undefined.because("there is no previous item") : before;
      case "nextitem" -> {
        Object next = peek();
        yield next == Values.MISSING ? Undefined.because("there is no next item") : next;
      }
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> Values.MISSING;
    };
  }

  private Object cycle(Rendering rendering, Arguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty() || !arguments.named().isEmpty()) {
      throw PyError.type("loop.cycle() needs items to cycle through");
    }
    return values.get(index0 % values.size());
  }

  private Object changed(Rendering rendering, Arguments arguments) {
    if (!arguments.named().isEmpty()) {
      throw PyError.type("loop.changed() takes no keyword arguments");
    }
    List<Object> values = arguments.positional();
    boolean changed =
        lastChanged == null
            || !Operators.equal(rendering, new Tuple(lastChanged), new Tuple(values));
    lastChanged = values;
    return changed;
  }

  @Override
  public Object call(Rendering rendering, Arguments arguments) {
    Object[] bound = arguments.bind("loop", 1, "iterable");
    if (recursion.isEmpty()) {
      throw PyError.type("the loop must be marked 'recursive' to be called");
    }
    return recursion.get().apply(bound[0]);
  }
}
