package io.plumbline.spark.inference;

import io.plumbline.error.PlumblineException;
import java.util.function.Supplier;

/** What a task threw, out of what Spark makes of it. */
public final class SparkFailures {
  private SparkFailures() {}

  /** Runs a Spark action; a PlumblineException that a task threw comes out as itself. */
  public static <T> T unwrapped(Supplier<T> action) {
    try {
      return action.get();
    } catch (RuntimeException e) {
      throw of(e);
    } catch (Throwable e) {
      // Spark is Scala and throws checked exceptions undeclared.
      PlumblineException ours = find(e);
      if (ours != null) {
        throw ours;
      }
      throw e;
    }
  }

  private static RuntimeException of(RuntimeException e) {
    PlumblineException ours = find(e);
    return ours == null ? e : ours;
  }

  private static PlumblineException find(Throwable failure) {
    int depth = 0;
    for (Throwable e = failure; e != null && depth < 32; e = e.getCause(), depth++) {
      if (e instanceof PlumblineException ours && ours != failure) {
        return new PlumblineException(ours.code(), ours.getMessage(), failure);
      }
      if (e instanceof PlumblineException ours) {
        return ours;
      }
    }
    return null;
  }
}
