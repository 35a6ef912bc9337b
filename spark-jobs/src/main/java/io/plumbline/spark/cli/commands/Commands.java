package io.plumbline.spark.cli.commands;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.training.algorithm.Algorithms;
import java.util.ArrayList;
import java.util.List;

/** Every command that there is, in the order of the help. */
public final class Commands {
  private Commands() {}

  public static List<Command> all() {
    List<Command> commands = new ArrayList<>();
    commands.addAll(
        List.of(
            new QuickstartCommand(),
            new InitModelCommand(),
            new MergeCommand(),
            new AddTokensCommand(),
            new PrepareCommand(),
            new ReferenceCommand()));
    Algorithms.ALL.forEach(algorithm -> commands.add(new TrainCommand(algorithm)));
    commands.addAll(
        List.of(
            new PipelineCommand(),
            new MineCommand(),
            new GenerateCommand(),
            new ScoreCommand(),
            new EvaluateCommand(),
            new PublishCommand(),
            new InspectCommand(),
            new RerunCommand(),
            new TrackCommand(),
            new CompletionCommand()));
    return commands;
  }
}
