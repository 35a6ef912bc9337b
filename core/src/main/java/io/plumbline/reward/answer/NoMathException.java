package io.plumbline.reward.answer;

/** A text is no expression that is understood. Without a stack trace: most texts are none. */
final class NoMathException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NoMathException() {
    super("no expression", null, false, false);
  }
}
