package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Filters that compare elements with each other. */
final class OrderFilters {
  private OrderFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    all.put("dictsort", OrderFilters::dictSort);
    all.put("sort", OrderFilters::sort);
    all.put("unique", OrderFilters::unique);
    all.put("groupby", OrderFilters::groupBy);
    all.put("max", (r, value, a) -> extreme(r, value, a, ">"));
    all.put("min", (r, value, a) -> extreme(r, value, a, "<"));
  }

  private static Object dictSort(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
    boolean caseSensitive = Arguments.flag(rendering, bound[0]);
    Object by = Arguments.or(bound[1], "key");
    if (!"key".equals(by) && !"value".equals(by)) {
      throw PyError.of("dictsort can only sort by either \"key\" or \"value\"");
    }
    Undefined.refuse(value);
    if (!(value instanceof PyDict dict)) {
      throw PyError.type("dictsort needs a mapping");
    }
    int position = "key".equals(by) ? 0 : 1;
    return Operators.sorted(
        rendering,
        dict.itemList(rendering),
        item -> {
          Object key = ((Tuple) item).items().get(position);
          return caseSensitive ? key : Getter.folded(rendering, key);
        },
        Arguments.flag(rendering, bound[2]));
  }

  private static Object sort(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
    boolean ignoreCase = !Arguments.flag(rendering, bound[1]);
    Object attribute = Arguments.or(bound[2], null);
    List<Function<Object, Object>> getters = new ArrayList<>();
    if (Values.isString(attribute)) {
      for (Object part : TextParts.split(rendering, Values.text(attribute), ",", -1)) {
        getters.add(Getter.of(rendering, part, ignoreCase, null));
      }
    } else {
      getters.add(Getter.of(rendering, attribute, ignoreCase, null));
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
        Arguments.flag(rendering, bound[0]));
  }

  private static Object unique(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("unique", 0, "case_sensitive", "attribute");
    Function<Object, Object> getter =
        Getter.of(
            rendering, Arguments.or(bound[1], null), !Arguments.flag(rendering, bound[0]), null);
    Set<Object> seen = new HashSet<>();
    return Generator.filtered(
        rendering,
        () -> Values.iterate(rendering, value),
        item -> {
          rendering.spend(6);
          return seen.add(Key.of(rendering, getter.apply(item)));
        });
  }

  private static Object extreme(
      Rendering rendering, Object value, Arguments arguments, String operator) {
    Object[] bound = arguments.bind("min", 0, "case_sensitive", "attribute");
    Iterator<Object> elements = Values.iterate(rendering, value);
    if (!elements.hasNext()) {
      return Undefined.because("there is no least or greatest item, the sequence is empty");
    }
    Function<Object, Object> getter =
        Getter.of(
            rendering, Arguments.or(bound[1], null), !Arguments.flag(rendering, bound[0]), null);
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
    boolean caseSensitive = Arguments.flag(rendering, bound[2]);
    Object otherwise = Arguments.or(bound[1], null);
    Function<Object, Object> key = Getter.of(rendering, bound[0], !caseSensitive, otherwise);
    Function<Object, Object> shown = Getter.of(rendering, bound[0], false, otherwise);
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
}
