package io.plumbline.jinja;

/** What {@code range()} gives: an arithmetic progression of at most 100,000 numbers. */
record PyRange(long start, long stop, long step) {
  static final int MOST = 100_000;

  int size() {
    if (step > 0) {
      return start >= stop ? 0 : Math.toIntExact((stop - 1 - start) / step + 1);
    }
    return start <= stop ? 0 : Math.toIntExact((start - 1 - stop) / -step + 1);
  }

  long element(int index) {
    return start + index * step;
  }

  /** The numbers from one index to before another, both as Python makes them of a slice. */
  PyRange slice(int first, int last, int stride) {
    try {
      Math.subtractExact(stop, start);
      return new PyRange(
          Math.addExact(start, Math.multiplyExact(first, step)),
          Math.addExact(start, Math.multiplyExact(last, step)),
          Math.multiplyExact(step, stride));
    } catch (ArithmeticException e) {
      throw PyError.limit("a range reaches too far");
    }
  }
}
