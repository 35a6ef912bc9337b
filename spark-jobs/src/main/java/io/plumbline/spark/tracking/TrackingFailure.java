package io.plumbline.spark.tracking;

/** Why a server did not take something. The message is a part of a sentence. */
final class TrackingFailure extends Exception {
  private static final long serialVersionUID = 1;

  /** Whether the same call may go well another time. */
  enum Kind {
    /** The server is down, slow, overloaded, or not reached. */
    AWAY,
    /** The server answers, and does not want it. */
    REFUSED
  }

  private final Kind kind;

  TrackingFailure(Kind kind, String message, Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }
}
