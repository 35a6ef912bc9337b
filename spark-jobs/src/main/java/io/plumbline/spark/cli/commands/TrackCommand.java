package io.plumbline.spark.cli.commands;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.TrackingOptions;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.tracking.RunUpload;
import io.plumbline.spark.tracking.TrackingSettings;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** {@code track}: sends a run to an MLflow server that lacks it, or a part of it. */
final class TrackCommand implements Command {
  static final Setting<String> OUTPUT =
      Setting.argument("OUTPUT", "The output directory of a training run.");

  @Override
  public String name() {
    return "track";
  }

  @Override
  public String summary() {
    return "Sends a run that is over to an MLflow server: all of it, or what the server lacks.";
  }

  @Override
  public String description() {
    return "For runs whose server was down, and for those that had none. Options that are not given"
        + " are the run's own. What the server has is not sent twice.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "track runs/dpo", "track runs/dpo --mlflow-uri http://mlflow:5000 --mlflow-model polite");
  }

  @Override
  public List<Setting<?>> settings() {
    List<Setting<?>> settings = new ArrayList<>(List.of(OUTPUT));
    settings.addAll(TrackingOptions.all());
    return settings;
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String output = values.require(OUTPUT, "name the run's output directory").orElse("");
    return console -> {
      Storage storage = Storage.of(new Configuration());
      Problems found = new Problems();
      Optional<TrackingSettings> settings =
          TrackingOptions.settings(
              values.over(RecordedOptions.read(storage, output).startingWith("mlflow-"), found),
              output,
              found);
      if (settings.isEmpty() && found.none()) {
        found.add("The run names no server: name one by --mlflow-uri.");
      }
      found.refuse();
      try (OutputClaim claim = OutputClaim.take(storage, output, Start.RESUME)) {
        RunUpload.Result result = RunUpload.send(storage, output, settings.orElseThrow());
        if (!result.lacking().isEmpty()) {
          throw new PlumblineException(ErrorCode.TRACKING_FAILED, result.sentence(output));
        }
        console.out().printf("%s has the run as %s.%n", result.uri(), result.runId());
      }
    };
  }
}
