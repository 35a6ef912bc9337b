package io.plumbline.text.jinja;

/**
 * The value of a name, attribute or element that is not there. Printing, testing and iterating it
 * is allowed; anything else fails with the reason.
 */
final class Undefined {
  private final String reason;
  private final PyError.Kind kind;

  Undefined(String reason, PyError.Kind kind) {
    this.reason = reason;
    this.kind = kind;
  }

  static Undefined because(String reason) {
    return new Undefined(reason, PyError.Kind.UNDEFINED);
  }

  static Undefined name(String name) {
    return because("'" + name + "' is undefined");
  }

  PyError failure() {
    return new PyError(kind, reason);
  }
}
