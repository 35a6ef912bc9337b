package io.plumbline.spark.cli.commands;

import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.cli.terminal.Termination;
import io.plumbline.spark.gang.StopRequest;
import io.plumbline.spark.training.TrainingJob;
import io.plumbline.spark.training.TrainingOutcome;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.spark.training.algorithm.Algorithm;
import java.util.List;

/** A training command: {@code sft}, {@code reward}, {@code dpo} and its kin. */
public record TrainCommand(Algorithm algorithm) implements Command {
  @Override
  public String name() {
    return algorithm.command();
  }

  @Override
  public String summary() {
    return algorithm.help().summary();
  }

  @Override
  public String description() {
    return algorithm.help().description();
  }

  @Override
  public List<String> examples() {
    return algorithm.help().examples();
  }

  @Override
  public boolean resumes() {
    return true;
  }

  @Override
  public List<Setting<?>> settings() {
    return TrainingSettings.of(algorithm);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    TrainingRequest request = TrainingSettings.request(algorithm, values, problems);
    return console -> {
      StopRequest stop = new StopRequest();
      try (Termination termination = Termination.asks(stop, name(), console);
          SparkSessions.Session session = SparkSessions.open(values, request.cluster().ranks());
          Progress progress = Progress.on(console)) {
        TrainingOutcome outcome =
            TrainingJob.run(
                session.spark(), request, TrainingSettings.standard(algorithm), stop, progress);
        progress.close();
        console.out().print(OutcomeText.of(outcome));
      }
    };
  }
}
