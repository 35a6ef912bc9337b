package io.plumbline.jinja;

import java.util.HashMap;
import java.util.Map;

/** The variables a template is rendered with, and those that it assigns at its top level. */
final class Context {
  private final Map<String, Object> variables;

  Context(Map<String, Object> given) {
    this.variables = new HashMap<>(given);
  }

  /** The value of a name, or {@link Values#MISSING}. */
  Object resolve(String name) {
    return variables.containsKey(name) ? variables.get(name) : Values.MISSING;
  }

  void assign(String name, Object value) {
    variables.put(name, value);
  }
}
