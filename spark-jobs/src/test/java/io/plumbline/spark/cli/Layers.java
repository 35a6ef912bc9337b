package io.plumbline.spark.cli;

import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandLineReader;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import picocli.CommandLine;

/** Reads arguments as the program does. */
public final class Layers {
  private Layers() {}

  public static SettingValues values(Command command, Problems problems, String... args) {
    CommandLineReader reader = new CommandLineReader(command, Commands.all());
    return reader.read(new CommandLine(reader.spec(80)).parseArgs(args), problems);
  }
}
