package io.plumbline.tensor;

/** Until closed, Java sees tensors that are made through windows of few floats. */
public final class SmallWindows implements AutoCloseable {
  private SmallWindows() {}

  /**
   * @param floats the most that one window has
   */
  public static SmallWindows of(int floats) {
    Windows.limit(floats);
    return new SmallWindows();
  }

  @Override
  public void close() {
    Windows.limit(Windows.MOST_FLOATS);
  }
}
