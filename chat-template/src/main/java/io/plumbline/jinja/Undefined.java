package io.plumbline.jinja;

import java.util.function.Supplier;

/**
 * The value of a name, attribute or element that is not there. Printing, testing and iterating it
 * is allowed; anything else fails with the reason.
 */
final class Undefined {
  private final Supplier<String> reason;
  private final PyError.Kind kind;

  Undefined(Supplier<String> reason, PyError.Kind kind) {
    this.reason = reason;
    this.kind = kind;
  }

  static Undefined because(String reason) {
    return because(() -> reason);
  }

  /** With a sentence that is made when it is wanted: most values that are absent never need it. */
  static Undefined because(Supplier<String> reason) {
    return new Undefined(reason, PyError.Kind.UNDEFINED);
  }

  static Undefined name(String name) {
    return because(() -> "'" + PyError.shown(name) + "' is undefined");
  }

  PyError failure() {
    return new PyError(kind, reason.get());
  }
}
