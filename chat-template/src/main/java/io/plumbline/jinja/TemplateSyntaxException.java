package io.plumbline.jinja;

/** A template that cannot be parsed, with the line where it goes wrong. */
final class TemplateSyntaxException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final TemplateException.Code code;
  private final int line;

  TemplateSyntaxException(String message, int line) {
    this(TemplateException.Code.FAILED, message, line);
  }

  TemplateSyntaxException(TemplateException.Code code, String message, int line) {
    super(message, null, false, false);
    this.code = code;
    this.line = line;
  }

  TemplateException.Code code() {
    return code;
  }

  int line() {
    return line;
  }
}
