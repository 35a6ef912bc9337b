package io.plumbline.spark.cli;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Says what to do next where a command is stopped from outside, by Ctrl-C or by a scheduler. The
 * JVM then ends with 128 and the signal's number: 130 for Ctrl-C.
 */
final class Interruption implements AutoCloseable {
  /** Only one process ends, whatever number of commands it was at. */
  private static final AtomicBoolean ENDING = new AtomicBoolean();

  private final Thread hook;

  private Interruption(Thread hook) {
    this.hook = hook;
  }

  /** Until it is closed, the end of the process is one from outside. */
  static Interruption watch(Command command, SettingValues values, Console console) {
    Thread hook =
        new Thread(
            () -> {
              ENDING.set(true);
              // Behind the ^C, or the line of progress.
              console
                  .err()
                  .println((console.columns().isPresent() ? "\n" : "") + sentence(command, values));
              console.err().flush();
            },
            "plumbline-interruption");
    Runtime.getRuntime().addShutdownHook(hook);
    return new Interruption(hook);
  }

  /** Whether the process is on its way out; what fails now fails because of that. */
  static boolean underWay() {
    return ENDING.get();
  }

  static String sentence(Command command, SettingValues values) {
    boolean resumes = command instanceof TrainCommand || command instanceof RerunCommand;
    String output = values.find(TrainingSettings.OUTPUT).orElse("its directory");
    return "plumbline "
        + command.name()
        + ": stopped from outside: "
        + (resumes
            ? "the state in " + output + " is kept; go on by the same call with --resume."
            : "start the same call again.");
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
