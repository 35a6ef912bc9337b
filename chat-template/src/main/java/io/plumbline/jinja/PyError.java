package io.plumbline.jinja;

/**
 * A failure inside a template, before it is given a line and becomes a {@link TemplateException}.
 */
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
    UNSUPPORTED,
    LIMIT,
    TIME,
    INTERRUPTED
  }

  private final Kind kind;

  /** Characters of a message: more of what a template gives is not shown. */
  private static final int SHOWN = 2_000;

  PyError(Kind kind, String message) {
    super(shown(message), null, false, false);
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }

  /** The beginning of a text of any length. */
  static String shown(String text) {
    return text == null || text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
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
