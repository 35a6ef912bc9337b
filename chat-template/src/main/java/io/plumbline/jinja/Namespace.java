package io.plumbline.jinja;

/** An object whose attributes a template may set. */
final class Namespace {
  private final PyDict attributes;

  Namespace(PyDict attributes) {
    this.attributes = attributes;
    attributes.keys().forEachRemaining(Namespace::check);
  }

  PyDict attributes() {
    return attributes;
  }

  void set(Rendering rendering, String name, Object value) {
    check(name);
    attributes.put(rendering, name, value);
  }

  private static void check(Object name) {
    if (name instanceof String text && text.startsWith("_")) {
      throw PyError.of(
          "a namespace cannot hold the attribute '%s', which begins with an underscore"
              .formatted(PyError.shown(text)));
    }
  }
}
