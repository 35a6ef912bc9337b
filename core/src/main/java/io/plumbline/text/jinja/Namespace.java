package io.plumbline.text.jinja;

/** An object whose attributes a template may set. */
final class Namespace {
  private final PyDict attributes;

  Namespace(PyDict attributes) {
    this.attributes = attributes;
    for (Object name : attributes.keys()) {
      check(name);
    }
  }

  PyDict attributes() {
    return attributes;
  }

  void set(String name, Object value) {
    check(name);
    attributes.put(name, value);
  }

  private static void check(Object name) {
    if (name instanceof String text && text.startsWith("_")) {
      throw new PyError(
          PyError.Kind.SECURITY,
          "a namespace cannot hold the attribute '" + text + "', which begins with an underscore");
    }
  }
}
