package io.plumbline.jinja;

import java.util.Objects;

/**
 * A template that cannot be parsed or rendered: a code, and one sentence that says where and why.
 */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What a caller may want to tell apart. */
  public enum Code {
    /** It is no Jinja2, or it fails on what it is given. */
    FAILED,
    /** It uses what Jinja2 has and chat templates are not given here. */
    UNSUPPORTED,
    /** It calls {@code raise_exception}: the conversation is not what it is made for. */
    REFUSED,
    /** It goes past its {@link Limits} of steps or size, as it will each time. */
    LIMIT,
    /** It goes past its time; on a faster machine it may not. */
    TIMEOUT,
    /** The thread is to stop. */
    INTERRUPTED
  }

  private final Code code;

  TemplateException(Code code, String message) {
    super(message);
    this.code = Objects.requireNonNull(code, "code");
  }

  public Code code() {
    return code;
  }
}
