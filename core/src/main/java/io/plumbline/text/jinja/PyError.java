package io.plumbline.text.jinja;

/** A failure inside a template, before it is given a line and becomes a BAD_TEMPLATE. */
final class PyError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The kinds that the language itself tells apart: some are caught by filters and lookups. */
  enum Kind {
    TYPE,
    VALUE,
    LOOKUP,
    UNDEFINED,
    SECURITY,
    ARITHMETIC,
    RAISED,
    SYNTAX,
    RUNTIME,
    LIMIT
  }

  private final Kind kind;

  PyError(Kind kind, String message) {
    super(message, null, false, false);
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }

  static PyError type(String message) {
    return new PyError(Kind.TYPE, message);
  }

  static PyError value(String message) {
    return new PyError(Kind.VALUE, message);
  }

  static PyError lookup(String message) {
    return new PyError(Kind.LOOKUP, message);
  }

  static PyError arithmetic(String message) {
    return new PyError(Kind.ARITHMETIC, message);
  }

  static PyError runtime(String message) {
    return new PyError(Kind.RUNTIME, message);
  }

  static PyError limit(String message) {
    return new PyError(Kind.LIMIT, message);
  }
}
