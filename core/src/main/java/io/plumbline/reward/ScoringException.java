package io.plumbline.reward;

/**
 * A completion that could not be scored, for a reason that may stand in a log: the message holds
 * nothing of a prompt, a completion or a row but the names of columns.
 */
public final class ScoringException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public ScoringException(String message) {
    super(message);
  }

  public ScoringException(String message, Throwable cause) {
    super(message, cause);
  }
}
