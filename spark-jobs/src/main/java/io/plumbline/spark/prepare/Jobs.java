package io.plumbline.spark.prepare;

import io.plumbline.error.PlumblineException;
import java.util.function.Supplier;

/** Runs Spark's jobs. */
final class Jobs {
  private Jobs() {}

  /** Runs a job; a sentence of ours that ended it comes out as itself. */
  static <T> T run(Supplier<T> job) {
    try {
      return job.get();
    } catch (Throwable failure) {
      // Spark is Scala and throws checked exceptions undeclared, so all kinds are looked at.
      for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
        if (cause instanceof PlumblineException known && known != failure) {
          throw new PlumblineException(known.code(), known.getMessage(), failure);
        }
      }
      throw failure;
    }
  }
}
