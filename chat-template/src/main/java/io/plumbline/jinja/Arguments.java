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
          "%s() takes at most %d arguments but %d were given"
              .formatted(function, parameters.length, positional.size()));
    }
    Object[] bound = padded(parameters.length);
    named.forEach(
        (name, value) -> {
          int index = Arrays.asList(parameters).indexOf(name);
          if (index < 0) {
            throw PyError.type(function + "() got an unexpected keyword argument '" + name + "'");
          }
          if (bound[index] != Values.MISSING) {
            throw PyError.type(function + "() got multiple values for argument '" + name + "'");
          }
          bound[index] = value;
        });
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
      String wanted = required == most ? required + "" : required + " to " + most;
      throw PyError.type(
          "%s() takes %s arguments but %d were given"
              .formatted(function, wanted, positional.size()));
    }
    return padded(most);
  }

  private Object[] padded(int length) {
    Object[] bound = Arrays.copyOf(positional.toArray(), length);
    Arrays.fill(bound, positional.size(), length, Values.MISSING);
    return bound;
  }

  Arguments withNamed(String name, Object value) {
    Map<String, Object> more = new LinkedHashMap<>(named);
    if (more.put(name, value) != null) {
      throw PyError.type("the argument '" + name + "' is given twice");
    }
    return new Arguments(positional, more);
  }

  /** The arguments behind the first so many. */
  Arguments from(int index) {
    return new Arguments(positional.subList(index, positional.size()), named);
  }

  /** An argument, or what stands for one that is not given. */
  static Object or(Object argument, Object otherwise) {
    return argument == Values.MISSING ? otherwise : argument;
  }

  /** Whether an argument is given and true. */
  static boolean flag(Rendering rendering, Object argument) {
    return argument != Values.MISSING && Values.truth(rendering, argument);
  }
}
