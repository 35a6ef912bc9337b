package io.plumbline.spark.cli.commands;

import io.plumbline.spark.cli.options.Command;
import java.util.List;

/** Every command that there is, in the order of the help. */
public final class Commands {
  private Commands() {}

  public static List<Command> all() {
    return List.of(
        new QuickstartCommand(),
        new InitModelCommand(),
        new PrepareCommand(),
        new ReferenceCommand(),
        TrainCommand.SFT,
        TrainCommand.REWARD,
        TrainCommand.DPO,
        TrainCommand.KTO,
        TrainCommand.ORPO,
        TrainCommand.SIMPO,
        TrainCommand.GRPO,
        TrainCommand.PPO,
        new PipelineCommand(),
        new MineCommand(),
        new GenerateCommand(),
        new ScoreCommand(),
        new EvaluateCommand(),
        new PublishCommand(),
        new InspectCommand(),
        new RerunCommand(),
        new TrackCommand(),
        new CompletionCommand());
  }
}
