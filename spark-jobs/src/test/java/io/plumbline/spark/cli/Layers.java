package io.plumbline.spark.cli;

import picocli.CommandLine;

/** Reads arguments as the program does. */
final class Layers {
  private Layers() {}

  static SettingValues values(Command command, Problems problems, String... args) {
    CommandLineReader reader = new CommandLineReader(command);
    return reader.read(new CommandLine(reader.spec(80)).parseArgs(args), problems);
  }
}
