package io.plumbline.jinja;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Positional and named arguments of a call. */
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /**
   * The arguments in the order of parameters; {@link Values#MISSING} for those that are not given.
   *
   * @param required how many of the first parameters must be given
   */
  Object[] bind(String function, int required, String... parameters) {
    if (positional.size() > parameters.length) {
      throw PyError.type(
          function
              + "() takes at most "
              + parameters.length
              + " arguments but "
              + positional.size()
              + " were given");
    }
    Object[] bound = new Object[parameters.length];
    Arrays.fill(bound, Values.MISSING);
    for (int i = 0; i < positional.size(); i++) {
      bound[i] = positional.get(i);
    }
    for (Map.Entry<String, Object> entry : named.entrySet()) {
      int index = Arrays.asList(parameters).indexOf(entry.getKey());
      if (index < 0) {
        throw PyError.type(
            function + "() got an unexpected keyword argument '" + entry.getKey() + "'");
      }
      if (bound[index] != Values.MISSING) {
        throw PyError.type(
            function + "() got multiple values for argument '" + entry.getKey() + "'");
      }
      bound[index] = entry.getValue();
    }
    for (int i = 0; i < required; i++) {
      if (bound[i] == Values.MISSING) {
        throw PyError.type(function + "() misses its argument '" + parameters[i] + "'");
      }
    }
    return bound;
  }

  /** Like {@link #bind} for functions that take no argument by name. */
  Object[] bindPositional(String function, int required, int most) {
    if (!named.isEmpty()) {
      throw PyError.type(function + "() takes no keyword arguments");
    }
    if (positional.size() < required || positional.size() > most) {
      throw PyError.type(
          function
              + "() takes "
              + (required == most ? required + "" : required + " to " + most)
              + " arguments but "
              + positional.size()
              + " were given");
    }
    Object[] bound = Arrays.copyOf(positional.toArray(), most);
    Arrays.fill(bound, positional.size(), most, Values.MISSING);
    return bound;
  }

  Arguments withNamed(String name, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(named);
    if (more.put(name, value) != null) {
      throw PyError.type("the argument '" + name + "' is given twice");
    }
    return new Arguments(positional, more);
  }
}
