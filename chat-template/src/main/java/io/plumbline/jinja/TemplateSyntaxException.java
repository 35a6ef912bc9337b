package io.plumbline.jinja;

/** A template that cannot be parsed, with the line where it goes wrong. */
final class TemplateSyntaxException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int line;

  TemplateSyntaxException(String message, int line) {
    super(message, null, false, false);
    this.line = line;
  }

  int line() {
    return line;
  }
}
