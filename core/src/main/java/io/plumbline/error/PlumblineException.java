package io.plumbline.error;

import java.util.Objects;

/**
 * A failure with a code and one sentence that says what is wrong, where, and how to fix it.
 *
 * <p>Unchecked, because almost no caller can do anything about one but end its stage.
 */
public final class PlumblineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  public PlumblineException(ErrorCode code, String message) {
    this(code, message, null);
  }

  public PlumblineException(ErrorCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = Objects.requireNonNull(code, "code");
  }

  public ErrorCode code() {
    return code;
  }
}
