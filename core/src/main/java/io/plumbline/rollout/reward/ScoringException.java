package io.plumbline.rollout.reward;

/**
 * A completion that could not be scored, for a reason that may stand in a log: the message holds
 * nothing of a prompt, a completion or a row but the names of columns.
 */
final class ScoringException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  ScoringException(String message) {
    super(message);
  }

  ScoringException(String message, Throwable cause) {
    super(message, cause);
  }
}
