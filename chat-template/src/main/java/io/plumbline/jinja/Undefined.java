package io.plumbline.jinja;

import java.util.function.Supplier;

/**
 * The value of a name, attribute or element that is not there. Printing, testing and iterating it
 * is allowed; anything else fails with the reason, a sentence that is made when it is wanted: most
 * values that are absent never need it.
 */
record Undefined(Supplier<String> reason) {
  static Undefined because(String reason) {
    return new Undefined(() -> reason);
  }

  static Undefined name(String name) {
    return new Undefined(() -> "'" + PyError.shown(name) + "' is undefined");
  }

  PyError failure() {
    return PyError.of(reason.get());
  }

  /** Fails where a value is absent. */
  static void refuse(Object value) {
    if (value instanceof Undefined undefined) {
      throw undefined.failure();
    }
  }
}
