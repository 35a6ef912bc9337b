package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Filters of sequences that take elements as they are. */
final class SequenceFilters {
  private SequenceFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    all.put("batch", SequenceFilters::batch);
    all.put("count", SequenceFilters::length);
    all.put("length", SequenceFilters::length);
    all.put("first", SequenceFilters::first);
    all.put("last", SequenceFilters::last);
    all.put("items", SequenceFilters::items);
    all.put("join", SequenceFilters::join);
    all.put("list", SequenceFilters::list);
    all.put("reverse", SequenceFilters::reverse);
    all.put("slice", SequenceFilters::slice);
    all.put("sum", SequenceFilters::sum);
  }

  private static Object length(Rendering rendering, Object value, Arguments arguments) {
    arguments.bindPositional("length", 0, 0);
    return (long) Values.length(rendering, value);
  }

  private static Object list(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("list", 0);
    return Values.listOf(rendering, value);
  }

  private static Object items(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("items", 0);
    return Generator.lazily(
        rendering,
        () -> {
          if (value instanceof Undefined) {
            return Collections.emptyIterator();
          }
          if (value instanceof PyDict dict) {
            return dict.items(rendering);
          }
          throw PyError.type("items needs a mapping");
        });
  }

  private static Object first(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("first", 0);
    Iterator<Object> elements = Values.iterate(rendering, value);
    return elements.hasNext()
        ? elements.next()
        : Undefined.because("there is no first item, the sequence is empty");
  }

  private static Object last(Rendering rendering, Object value, Arguments arguments) {
    arguments.bind("last", 0);
    if (value instanceof Generator) {
      throw PyError.type("'%s' object is not reversible", value);
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
      return Markup.like(value, Strings.slice(rendering, text, size, size - 1, -1, -1));
    }
    if (!Values.isIterable(value)) {
      throw PyError.of("argument must be iterable");
    }
    List<Object> items = Values.listOf(rendering, value);
    Collections.reverse(items);
    return value instanceof Generator ? items : new Generator(items.iterator(), "reversed");
  }

  private static Object join(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("join", 0, "d", "attribute");
    String separator = Values.str(rendering, Arguments.or(bound[0], ""));
    Object attribute = Arguments.or(bound[1], null);
    Function<Object, Object> getter = Getter.of(rendering, attribute, false, null);
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

  private static Object batch(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("batch", 1, "linecount", "fill_with");
    Object fill = Arguments.or(bound[1], null);
    return Generator.lazily(
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
        });
  }

  private static Object slice(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("slice", 1, "slices", "fill_with");
    Object fill = Arguments.or(bound[1], null);
    return Generator.lazily(
        rendering,
        () -> {
          List<Object> items = Values.listOf(rendering, value);
          int slices = Strings.integer(bound[0]);
          if (slices == 0) {
            throw PyError.of("integer division or modulo by zero");
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
        });
  }

  private static Object sum(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("sum", 0, "attribute", "start");
    Object total = Arguments.or(bound[1], 0L);
    if (Values.isString(total)) {
      throw PyError.type("sum() can't sum strings");
    }
    Function<Object, Object> getter =
        Getter.of(rendering, Arguments.or(bound[0], null), false, null);
    Iterator<Object> elements = Values.iterate(rendering, value);
    while (elements.hasNext()) {
      total = Operators.binary(rendering, "+", total, getter.apply(elements.next()));
    }
    return total;
  }
}
