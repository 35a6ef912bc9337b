package io.plumbline.spark.gang;

import io.plumbline.error.PlumblineException;

/** How an attempt failed, and what may follow. */
final class FailedAttempt extends Exception {
  private static final long serialVersionUID = 1L;

  /** What may follow a failed attempt. */
  enum Then {
    /** Nothing: another try would only fail again, or someone has stopped this one. */
    END,
    /** Another attempt may pass. */
    TRY_AGAIN,
    /** No rank has run: there was no room. */
    WAIT_FOR_SLOTS
  }

  private final PlumblineException failure;
  private final Then then;

  FailedAttempt(PlumblineException failure, Then then) {
    super(failure);
    this.failure = failure;
    this.then = then;
  }

  PlumblineException failure() {
    return failure;
  }

  Then then() {
    return then;
  }
}
