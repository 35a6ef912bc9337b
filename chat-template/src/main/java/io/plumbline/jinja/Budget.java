package io.plumbline.jinja;

/**
 * What one parse or one rendering has spent of its {@link Limits}. Everything is paid for before it
 * is done. Every few thousand steps a look at the clock, and at whether the thread is to stop, ends
 * what a slow machine does not end in time.
 */
class Budget {
  /** Steps between two looks at the clock: some 0.1 ms to 2 ms. */
  private static final int STRIDE = 1 << 14;

  private final Limits limits;
  private final long started = System.nanoTime();
  private long steps;

  /** A thread that is to stop begins no rendering, however short. */
  private long nextLook = 1;

  Budget(Limits limits) {
    this.limits = limits;
  }

  final Limits limits() {
    return limits;
  }

  /** What has been spent. */
  final long steps() {
    return steps;
  }

  final void step() {
    if (++steps >= nextLook) {
      look();
    }
  }

  /** Pays for work of so many steps. */
  final void spend(long amount) {
    if ((steps += amount) >= nextLook) {
      look();
    }
  }

  /** Pays for a pass over characters. */
  final void read(long characters) {
    spend(characters >> 3);
  }

  /** Pays for a string. */
  final void makeText(long characters) {
    checkSize(characters);
    spend(4 + characters / 3);
  }

  /** Pays for a list and its elements, but not for what the elements are. */
  final void makeElements(long elements) {
    checkSize(elements);
    spend(4 + elements + elements / 8);
  }

  final void checkSize(long size) {
    if (size > limits.valueSize()) {
      throw PyError.limit("a value is longer than " + limits.valueSize());
    }
  }

  private void look() {
    if (steps > limits.steps() || steps < 0) {
      steps = limits.steps() + 1;
      throw PyError.limit("it takes more than " + limits.steps() + " steps");
    }
    if (System.nanoTime() - started > limits.time().toNanos()) {
      throw new PyError(
          TemplateException.Code.TIMEOUT,
          "it takes longer than " + limits.time().toMillis() / 1000.0 + " s");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new PyError(
          TemplateException.Code.INTERRUPTED,
          "Interrupted while a chat template was rendered; run it again.");
    }
    nextLook = Math.min(steps + STRIDE, limits.steps() + 1);
  }
}
