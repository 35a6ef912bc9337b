package io.plumbline.jinja;

import io.plumbline.jinja.TemplateException.Code;

/**
 * A failure inside a template, before it is given a line and becomes a {@link TemplateException}.
 */
final class PyError extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Characters of a message: more of what a template gives is not shown. */
  private static final int SHOWN = 2_000;

  private final Code code;

  PyError(Code code, String message) {
    super(shown(message), null, false, false);
    this.code = code;
  }

  Code code() {
    return code;
  }

  /** The beginning of a text of any length. */
  static String shown(String text) {
    return text == null || text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
  }

  static PyError of(String message) {
    return new PyError(Code.FAILED, message);
  }

  /** With the names of the types of values where the message has {@code %s}. */
  static PyError type(String message, Object... values) {
    Object[] names = new Object[values.length];
    for (int i = 0; i < values.length; i++) {
      names[i] = Values.typeName(values[i]);
    }
    return of(message.formatted(names));
  }

  static PyError limit(String message) {
    return new PyError(Code.LIMIT, message);
  }
}
