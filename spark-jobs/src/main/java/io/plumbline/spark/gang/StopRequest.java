package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Duration;
import java.util.Optional;

/**
 * Asks, from any thread of the driver, that a gang ends at its next step with what it has kept. The
 * first reason counts.
 */
public final class StopRequest {
  private String reason;
  private Runnable receiver;

  /**
   * Asks.
   *
   * @param reason what asked, as in "SIGTERM"
   * @return whether a gang is at work, which hears it
   */
  public synchronized boolean ask(String reason) {
    if (this.reason == null) {
      this.reason = reason;
      notifyAll();
    }
    if (receiver == null) {
      return false;
    }
    receiver.run();
    return true;
  }

  /** What asked; empty while nothing has. */
  public synchronized Optional<String> reason() {
    return Optional.ofNullable(reason);
  }

  /** What asked; waits for a while until something does. An interruption stays set. */
  synchronized Optional<String> reasonWithin(Duration wait) {
    long deadline = System.nanoTime() + wait.toNanos();
    while (reason == null) {
      long left = (deadline - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        break;
      }
      try {
        wait(left);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new PlumblineException(
            ErrorCode.INTERRUPTED, "The gang was stopped because the driver was interrupted.", e);
      }
    }
    return Optional.ofNullable(reason);
  }

  /** From now on a gang hears it, and at once where it was asked for before. */
  synchronized void reach(Runnable receiver) {
    this.receiver = receiver;
    if (reason != null) {
      receiver.run();
    }
  }

  /** No gang is at work any more. */
  synchronized void reachNobody() {
    receiver = null;
  }
}
