package io.plumbline.text.jinja;

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
}
