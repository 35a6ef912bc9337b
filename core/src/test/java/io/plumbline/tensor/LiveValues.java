package io.plumbline.tensor;

/** Native values that exist in this JVM and were not closed. */
public final class LiveValues {
  private LiveValues() {}

  public static long count() {
    return Scope.LIVE.get();
  }
}
