package io.plumbline.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** What stands after {@code |}. */
final class Filters {
  /** One filter. */
  interface Filter {
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
      throw PyError.of("there is no filter named '" + name + "'");
    }
    return filter.apply(rendering, value, arguments);
  }

  private static Map<String, Filter> all() {
    Map<String, Filter> all = new HashMap<>();
    SequenceFilters.addTo(all);
    SelectionFilters.addTo(all);
    OrderFilters.addTo(all);
    TextFilters.addTo(all);
    HtmlFilters.addTo(all);
    NumberFilters.addTo(all);
    all.put("default", Filters::otherwise);
    all.put("d", Filters::otherwise);
    all.put("attr", Filters::attribute);
    all.put("tojson", Json::dump);
    for (String name : Unsupported.FILTERS) {
      all.put(
          name,
          (r, value, a) -> {
            throw Unsupported.of("the filter '" + name + "' is");
          });
    }
    return Map.copyOf(all);
  }

  private static Object otherwise(Rendering rendering, Object value, Arguments arguments) {
    Object[] bound = arguments.bind("default", 0, "default_value", "boolean");
    boolean replaced =
        value instanceof Undefined
            || (Arguments.flag(rendering, bound[1]) && !Values.truth(rendering, value));
    return replaced ? Arguments.or(bound[0], "") : value;
  }

  /** An attribute, and never an element. */
  private static Object attribute(Rendering rendering, Object value, Arguments arguments) {
    Object name = arguments.bind("attr", 1, "name")[0];
    if (!Values.isString(name)) {
      throw PyError.type("attribute name must be string");
    }
    Undefined.refuse(value);
    if (value instanceof PyDict dict && dict.find(rendering, name) != Values.MISSING) {
      Object attribute = Attributes.attribute(rendering, new PyDict(), Values.text(name));
      if (attribute instanceof Undefined) {
        return attribute;
      }
    }
    return Attributes.attribute(rendering, value, Values.text(name));
  }
}
