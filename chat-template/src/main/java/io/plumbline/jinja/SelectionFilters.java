package io.plumbline.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Filters that apply a filter or a test to each element, when the element is asked for. */
final class SelectionFilters {
  private SelectionFilters() {}

  static void addTo(Map<String, Filters.Filter> all) {
    all.put("map", SelectionFilters::map);
    all.put("select", (r, value, a) -> select(r, value, a, 0, true));
    all.put("reject", (r, value, a) -> select(r, value, a, 0, false));
    all.put("selectattr", (r, value, a) -> select(r, value, a, 1, true));
    all.put("rejectattr", (r, value, a) -> select(r, value, a, 1, false));
  }

  private static Object map(Rendering rendering, Object value, Arguments arguments) {
    return Generator.lazily(
        rendering,
        () -> {
          if (!Values.truth(rendering, value)) {
            return Collections.emptyIterator();
          }
          Function<Object, Object> function = mapped(rendering, arguments);
          Iterator<Object> elements = Values.iterate(rendering, value);
          return new Lazy() {
            @Override
            Object find() {
              if (!elements.hasNext()) {
                return Values.MISSING;
              }
              rendering.step();
              return function.apply(elements.next());
            }
          };
        });
  }

  private static Function<Object, Object> mapped(Rendering rendering, Arguments arguments) {
    if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
      Map<String, Object> named = new LinkedHashMap<>(arguments.named());
      Object attribute = named.remove("attribute");
      Object otherwise = named.remove("default");
      if (!named.isEmpty()) {
        throw PyError.of(
            "map got an unexpected keyword argument '" + named.keySet().iterator().next() + "'");
      }
      return Getter.of(rendering, attribute, false, otherwise);
    }
    if (arguments.positional().isEmpty()) {
      throw PyError.of("map requires a filter argument");
    }
    String name = name(arguments.positional().get(0), "filter");
    Arguments rest = arguments.from(1);
    return item -> Filters.apply(rendering, name, item, rest);
  }

  private static String name(Object value, String what) {
    if (!Values.isString(value)) {
      throw PyError.of("the name of a " + what + " must be a string");
    }
    return Values.text(value);
  }

  /**
   * @param attributes how many arguments, none or one, stand before the name of the test
   * @param kept what the test gives for the elements that stay
   */
  private static Object select(
      Rendering rendering, Object value, Arguments arguments, int attributes, boolean kept) {
    List<Object> given = arguments.positional();
    Function<Object, Object> tested = tested(rendering, arguments, attributes);
    return Generator.filtered(
        rendering,
        () ->
            Values.truth(rendering, value)
                ? Values.iterate(rendering, value)
                : Collections.emptyIterator(),
        item -> {
          rendering.spend(4);
          Object object = tested.apply(item);
          if (given.size() <= attributes) {
            return Values.truth(rendering, object) == kept;
          }
          String name = name(given.get(attributes), "test");
          return Tests.apply(rendering, name, object, arguments.from(attributes + 1)) == kept;
        });
  }

  /** What is tested of an element; its attribute is looked up when the first is tested. */
  private static Function<Object, Object> tested(
      Rendering rendering, Arguments arguments, int attributes) {
    if (attributes == 0) {
      return item -> item;
    }
    List<Function<Object, Object>> getters = new ArrayList<>(1);
    return item -> {
      if (getters.isEmpty()) {
        if (arguments.positional().isEmpty()) {
          throw PyError.of("the parameter for the attribute name is missing");
        }
        getters.add(Getter.of(rendering, arguments.positional().get(0), false, null));
      }
      return getters.get(0).apply(item);
    };
  }
}
