package io.plumbline.spark.cli.options;

import io.plumbline.spark.cli.terminal.Console;
import java.util.List;

/** A subcommand: what it takes, and what it does with it. */
public interface Command {
  /** What a command does once all that it was given has been found good. */
  @FunctionalInterface
  interface Work {
    void run(Console console) throws Exception;
  }

  String name();

  /** One line for the list of commands. */
  String summary();

  /** A paragraph for the command's own help. */
  String description();

  /** Calls as a user would type them, without the program's name. */
  List<String> examples();

  List<Setting<?>> settings();

  /** Under which heading it is listed. */
  default CommandGroup group() {
    return CommandGroup.of(name());
  }

  /** Whether a call that was stopped continues by {@code --resume}. */
  default boolean resumes() {
    return false;
  }

  /**
   * Reads the values and adds to {@code problems} whatever is wrong with them, all of it; does
   * nothing else. The work that it returns is run only if there was no problem.
   */
  Work check(SettingValues values, Problems problems);
}
