package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.RunRecord;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TrackingOptions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.cli.terminal.Termination;
import io.plumbline.spark.gang.StopRequest;
import io.plumbline.spark.training.Repetition;
import io.plumbline.spark.training.Repetition.Changes;
import io.plumbline.spark.training.TrainingJob;
import io.plumbline.spark.training.TrainingOutcome;
import io.plumbline.spark.training.TrainingRequest;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/** {@code rerun}: a training run once more, from its run.json. */
public final class RerunCommand implements Command {
  private static final String WHAT = "What to run again";

  static final Setting<String> RECORD =
      Setting.argument("RUN.json", "A run.json, or the output directory that it is in.");
  static final Setting<Boolean> ALLOW_CHANGES =
      Setting.flag(
          "allow-changes",
          WHAT,
          "Continues where the model or the data is not what it was, and says so.");

  @Override
  public String name() {
    return "rerun";
  }

  @Override
  public String summary() {
    return "A training run once more, from its run.json, to the same bits where that can be.";
  }

  @Override
  public String description() {
    return "Takes every option from the record, checks by fingerprints that the model and the data"
        + " are what they were, and trains. The result has the same bits on the same kind of"
        + " processor with the same versions; where those differ, it says so.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "rerun runs/dpo/run.json",
        "rerun s3a://runs/dpo-1/run.json --output s3a://runs/dpo-1-again --master spark://head:7077");
  }

  @Override
  public boolean resumes() {
    return true;
  }

  @Override
  public List<Setting<?>> settings() {
    List<Setting<?>> settings =
        new ArrayList<>(
            List.of(
                RECORD,
                TrainingSettings.OUTPUT.withHelp(
                    "The new run's own directory. Without it, the old one's name with -rerun."),
                ALLOW_CHANGES,
                TrainingSettings.RESUME,
                TrainingSettings.OVERWRITE,
                SparkSessions.MASTER));
    settings.addAll(TrackingOptions.all());
    return settings;
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String given = values.require(RECORD, "name the run.json of the run").orElse("");
    boolean allowed = values.of(ALLOW_CHANGES);
    if (values.has(SparkSessions.MASTER)) {
      SparkSessions.check(values, 1, problems);
    }
    return console -> {
      RecordedOptions recorded = RecordedOptions.read(Storage.of(new Configuration()), given);
      TrainCommand command = recorded.command();
      TrainingRequest request = request(recorded, command, values);
      Repetition repetition =
          new Repetition(
              recorded.path(), recorded.record(), allowed ? Changes.ALLOWED : Changes.REFUSED);
      StopRequest stop = new StopRequest();
      try (Termination termination = Termination.asks(stop, name(), console);
          SparkSessions.Session session = SparkSessions.open(values, request.cluster().ranks());
          Progress progress = Progress.on(console)) {
        TrainingOutcome outcome =
            TrainingJob.repeat(
                session.spark(),
                request,
                TrainingSettings.standard(request.algorithm()),
                repetition,
                stop,
                progress);
        progress.close();
        console.out().print(OutcomeText.of(outcome));
        RunRecord now = RunRecord.read(session.storage(), outcome.files().runRecord());
        console.out().print(comparison(repetition, now));
      }
    };
  }

  private static TrainingRequest request(
      RecordedOptions recorded, TrainCommand command, SettingValues given) {
    Problems problems = new Problems();
    Map<String, SettingValues.Given> again = recorded.again(problems);
    again.computeIfPresent(
        TrainingSettings.OUTPUT.name(),
        (name, output) ->
            new SettingValues.Given(
                List.of(output.texts().get(0).replaceAll("/+$", "") + "-rerun"), output.origin()));
    TrainingRequest request =
        TrainingSettings.request(command.algorithm(), given.over(again, problems), problems);
    problems.refuse();
    return request;
  }

  private static String comparison(Repetition repetition, RunRecord now) {
    return switch (repetition.compare(now)) {
      case SAME_BITS -> "The checkpoint is bit for bit that of " + repetition.of() + ".\n";
      case OTHER_BITS -> "The checkpoint is not bit for bit that of " + repetition.of() + ".\n";
      case NONE -> repetition.of() + " does not say what its checkpoint was.\n";
    };
  }
}
