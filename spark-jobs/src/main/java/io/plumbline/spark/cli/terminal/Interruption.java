package io.plumbline.spark.cli.terminal;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Says what to do next where a command is stopped from outside, by Ctrl-C or by a scheduler. The
 * JVM then ends with 128 and the signal's number: 130 for Ctrl-C.
 */
public final class Interruption implements AutoCloseable {
  /** Only one process ends, whatever number of commands it was at. */
  private static final AtomicBoolean ENDING = new AtomicBoolean();

  private final Thread hook;

  private Interruption(Thread hook) {
    this.hook = hook;
  }

  /**
   * Until it is closed, the end of the process is one from outside.
   *
   * @param sentence what to do next
   */
  public static Interruption watch(String sentence, Console console) {
    Thread hook =
        new Thread(
            () -> {
              ENDING.set(true);
              // Behind the ^C, or the line of progress.
              console.err().println((console.columns().isPresent() ? "\n" : "") + sentence);
              console.err().flush();
            },
            "plumbline-interruption");
    Runtime.getRuntime().addShutdownHook(hook);
    return new Interruption(hook);
  }

  /** Whether the process is on its way out; what fails now fails because of that. */
  public static boolean underWay() {
    return ENDING.get();
  }

  @Override
  public void close() {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending already, and the hook runs.
      ENDING.set(true);
    }
  }
}
