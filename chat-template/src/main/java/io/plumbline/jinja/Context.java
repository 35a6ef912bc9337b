package io.plumbline.jinja;

import java.util.HashMap;
import java.util.Map;

/** The variables a template is rendered with, and those that it assigns at its top level. */
final class Context {
  private final Map<String, Object> given;
  private final Map<String, Object> assigned = new HashMap<>();

  Context(Map<String, Object> given) {
    this.given = given;
  }

  Object resolve(String name) {
    if (assigned.containsKey(name)) {
      return assigned.get(name);
    }
    return given.containsKey(name) ? given.get(name) : Values.MISSING;
  }

  void assign(String name, Object value) {
    assigned.put(name, value);
  }

  Context derived(Rendering rendering, Map<String, Object> locals) {
    rendering.spend(6L * (given.size() + assigned.size() + locals.size()));
    Map<String, Object> all = new HashMap<>(given);
    all.putAll(assigned);
    locals.forEach(
        (name, value) -> {
          if (value != Values.MISSING) {
            all.put(name, value);
          }
        });
    return new Context(all);
  }
}
