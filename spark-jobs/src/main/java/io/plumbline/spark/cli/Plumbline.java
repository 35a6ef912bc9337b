package io.plumbline.spark.cli;

import io.plumbline.base.NearestName;
import io.plumbline.error.ErrorCode;
import io.plumbline.spark.cli.commands.Commands;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.CommandLineReader;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Console;
import io.plumbline.spark.cli.terminal.Failure;
import io.plumbline.spark.cli.terminal.Interruption;
import io.plumbline.spark.cli.terminal.Termination;
import io.plumbline.spark.cli.terminal.Versions;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParseResult;

/**
 * The program: {@code plumbline COMMAND}, by the launcher on an embedded local Spark or by
 * spark-submit on a cluster. Ends with 0, with 2 for what the user can fix in the call or the data,
 * and with 1 for anything else.
 */
public final class Plumbline {
  private static final String LOG_CONFIGURATION = "log4j2.configurationFile";

  /** What a shell says of a process that Ctrl-C ended. */
  private static final int INTERRUPTED = 130;

  private Plumbline() {}

  public static void main(String[] args) {
    if (SparkSessions.hosted()) {
      // Ending the process would end the host's session; a host hears of failure by an exception.
      runHosted(args);
      return;
    }
    boolean verbose = Arrays.asList(args).contains("--verbose");
    if (!SparkSessions.startedBySpark()) {
      configureLogs(verbose);
    }
    int status = run(args, Console.ofProcess());
    // On a cluster a main that returns is how a driver ends well; exiting early can look like a
    // failure there. The embedded session's threads must not keep the process.
    if (status != 0 || !SparkSessions.startedBySpark()) {
      System.exit(status);
    }
  }

  /**
   * @throws IllegalStateException where the command fails, with its sentence
   */
  private static void runHosted(String[] args) {
    List<String> sentences = new ArrayList<>();
    // The host's own streams: it shows what is written to them with the run.
    int status = run(args, Console.of(System.out, System.err), sentences::add);
    if (status != 0) {
      throw new IllegalStateException(
          sentences.isEmpty()
              ? "plumbline ended with status " + status + ", and said why on standard error"
              : String.join(" ", sentences));
    }
  }

  /** Must come before the first logger: log4j reads its configuration once. */
  private static void configureLogs(boolean verbose) {
    if (System.getProperty(LOG_CONFIGURATION) == null) {
      System.setProperty(LOG_CONFIGURATION, "classpath:io/plumbline/spark/cli/log4j2.properties");
    }
    if (verbose) {
      System.setProperty("plumbline.log.level", "INFO");
      System.setProperty("plumbline.log.level.spark", "WARN");
      System.setProperty("plumbline.log.level.tasks", "WARN");
      System.setProperty("plumbline.log.trace", "full");
    }
  }

  /** Runs one call to its end and says what the process should exit with. */
  static int run(String[] args, Console console) {
    return run(args, console, sentence -> {});
  }

  private static int run(String[] args, Console console, Consumer<String> onFailure) {
    try {
      return dispatch(args, console, onFailure);
    } finally {
      console.out().flush();
      console.err().flush();
    }
  }

  private static int dispatch(String[] args, Console console, Consumer<String> onFailure) {
    Map<String, Command> commands = new LinkedHashMap<>();
    Commands.all().forEach(command -> commands.put(command.name(), command));
    String first = args.length == 0 ? "" : args[0];
    switch (first) {
      case "" -> {
        console.err().print(overview(commands.values().stream().toList(), console));
        return ErrorCode.BAD_USAGE.exitStatus();
      }
      case "--version", "-V", "version" -> {
        console.out().print(Versions.text());
        return 0;
      }
      case "--help", "-h" -> {
        console.out().print(overview(commands.values().stream().toList(), console));
        return 0;
      }
      case "help" -> {
        if (args.length == 1) {
          console.out().print(overview(commands.values().stream().toList(), console));
          return 0;
        }
        Command command = commands.get(args[1]);
        if (command == null) {
          return unknownCommand(args[1], commands, console);
        }
        console.out().print(help(command, console));
        return 0;
      }
      default -> {
        Command command = commands.get(first);
        return command == null
            ? unknownCommand(first, commands, console)
            : execute(command, Arrays.copyOfRange(args, 1, args.length), console, onFailure);
      }
    }
  }

  private static int execute(
      Command command, String[] args, Console console, Consumer<String> onFailure) {
    boolean verbose = Arrays.asList(args).contains("--verbose");
    try {
      // First of all, so that no other message shows a key.
      Arrays.asList(args).forEach(Storage::refuseCredentials);
      CommandLineReader reader = new CommandLineReader(command, Commands.all());
      ParseResult result = new CommandLine(reader.spec(console.textColumns())).parseArgs(args);
      if (result.isUsageHelpRequested()) {
        console.out().print(help(command, console));
        return 0;
      }
      Problems problems = new Problems();
      SettingValues values = reader.read(result, problems);
      if (values.of(CommandLineReader.PRINT_CONFIG)) {
        reader.settings().forEach(values::all);
        problems.refuse();
        console.out().print(ConfigTemplate.of(command, values));
        return 0;
      }
      Command.Work work = command.check(values, problems);
      problems.refuse();
      try (Interruption interruption = Interruption.watch(ending(command, values), console)) {
        work.run(values.of(CommandLineReader.QUIET) ? console.quiet() : console);
      }
      return 0;
    } catch (Exception | LinkageError | VirtualMachineError e) {
      if (Interruption.underWay()) {
        return INTERRUPTED;
      }
      Failure failure = Failure.of(e);
      String sentence = "plumbline " + command.name() + ": " + failure.sentence();
      console.err().println(sentence);
      onFailure.accept(sentence);
      if (verbose) {
        e.printStackTrace(console.err());
      }
      return Termination.heard() ? Termination.STATUS : failure.exitStatus();
    }
  }

  private static int unknownCommand(String name, Map<String, Command> commands, Console console) {
    String near =
        NearestName.among(commands.keySet(), name)
            .map(command -> ": did you mean " + command + "?")
            .orElse(": 'plumbline --help' lists the commands.");
    console.err().println("plumbline: there is no command " + name + near);
    return ErrorCode.BAD_USAGE.exitStatus();
  }

  /** What to do next where a command is stopped from outside. */
  static String ending(Command command, SettingValues values) {
    String output = values.find(TrainingSettings.OUTPUT).orElse("its directory");
    return "plumbline "
        + command.name()
        + ": stopped from outside: "
        + (command.resumes()
            ? "the state in " + output + " is kept; continue by the same call with --resume."
            : "start the same call again.");
  }

  private static String help(Command command, Console console) {
    CommandSpec spec = new CommandLineReader(command, Commands.all()).spec(console.textColumns());
    return new CommandLine(spec).getUsageMessage(CommandLine.Help.Ansi.OFF);
  }

  private static String overview(List<Command> commands, Console console) {
    return Overview.of(commands, console.textColumns());
  }
}
