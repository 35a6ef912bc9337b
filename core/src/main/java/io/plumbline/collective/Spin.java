package io.plumbline.collective;

/** Short busy waits: the peer's answer is usually microseconds away, a sleep costs more. */
final class Spin {
  private Spin() {}

  /** Lets another thread have the core, in case the peer is the one that needs it. */
  @SuppressWarnings("ThreadPriorityCheck")
  static void once() {
    Thread.yield();
  }
}
