package io.plumbline.spark.cli.commands;

import io.plumbline.base.NearestName;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.pipeline.Pipeline;
import io.plumbline.spark.cli.pipeline.PipelineFile;
import io.plumbline.spark.cli.pipeline.PipelinePlan;
import io.plumbline.spark.cli.pipeline.PipelineRun;
import io.plumbline.storage.Storage;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;

/** {@code pipeline}: stages in a row. */
public final class PipelineCommand implements Command {
  private static final String WHICH = "Which stages";
  private static final String WHERE = "Where and how";

  static final Setting<String> FILE =
      Setting.argument("FILE.yaml", "The stages with their options (docs/pipelines.md).");
  static final Setting<String> OUTPUT =
      Setting.text(
          "output",
          "DIR",
          WHERE,
          "Where pipeline.json, report.html and the stages' directories are written; wins over the"
              + " file's own.");
  static final Setting<Boolean> RESUME =
      Setting.flag(
          "resume",
          WHICH,
          "Continues where an earlier call stopped. A pipeline does so anyway; this is for schedulers"
              + " that say it of every second try.");
  static final Setting<String> REDO =
      Setting.repeated(
          "redo",
          "STAGE",
          WHICH,
          "Does a stage again, and all that use it; may be repeated. What they left is deleted.");
  static final Setting<String> ONLY =
      Setting.repeated("only", "STAGE", WHICH, "Runs no other stage; may be repeated.");
  static final Setting<String> UNTIL =
      Setting.text("until", "STAGE", WHICH, "Ends after this stage.");
  static final Setting<Boolean> DRY_RUN =
      Setting.flag(
          "dry-run",
          WHICH,
          "Checks the file and shows the plan: stages, their calls, and which are done.");

  @Override
  public String name() {
    return "pipeline";
  }

  @Override
  public String summary() {
    return "Stages in a row from a file, each resumable, and a report that compares the routes.";
  }

  @Override
  public String description() {
    return "Runs commands one after another with options from a file; a stage names what an earlier"
        + " one left by ${STAGE.checkpoint}, ${STAGE.data} or ${STAGE.output}. The whole file is"
        + " checked before anything runs. The same call again skips what is done, continues with what"
        + " was stopped, and refuses what has changed until --redo says that it may be done again.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "pipeline data-samples/pipelines/sft-dpo.yaml --output runs/first",
        "pipeline data-samples/pipelines/sft-dpo.yaml --output runs/first --dry-run",
        "pipeline data-samples/pipelines/sft-dpo.yaml --output runs/first --redo dpo");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(FILE, OUTPUT, REDO, ONLY, UNTIL, DRY_RUN, RESUME, SparkSessions.MASTER);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    Optional<String> file = values.require(FILE, "name the file with the stages");
    Optional<String> output = values.find(OUTPUT);
    values.of(RESUME);
    boolean dryRun = values.of(DRY_RUN);
    SparkSessions.check(values, 1, problems);
    Pipeline pipeline =
        file.map(name -> PipelineFile.read(Path.of(name), problems))
            .map(read -> Pipeline.of(read, output, Commands.all(), problems))
            .orElse(new Pipeline("", "", List.of()));
    PipelinePlan.Selection selection = selection(values, pipeline, problems);
    return console -> {
      if (dryRun && !SparkSessions.startedBySpark()) {
        console
            .out()
            .print(PipelineRun.planned(pipeline, selection, Storage.of(new Configuration())));
        return;
      }
      try (SparkSessions.Session session = SparkSessions.open(values, slots(pipeline))) {
        if (dryRun) {
          console.out().print(PipelineRun.planned(pipeline, selection, session.storage()));
        } else {
          PipelineRun.run(pipeline, selection, session.storage(), console);
        }
      }
    };
  }

  private static PipelinePlan.Selection selection(
      SettingValues values, Pipeline pipeline, Problems problems) {
    Set<String> redo = new LinkedHashSet<>(values.all(REDO));
    Set<String> only = new LinkedHashSet<>(values.all(ONLY));
    Optional<String> until = values.find(UNTIL);
    if (!only.isEmpty() && until.isPresent()) {
      problems.add("--only and --until are both given: leave one.");
    }
    if (!pipeline.stages().isEmpty() && problems.none()) {
      redo.forEach(name -> known(REDO, name, pipeline, problems));
      only.forEach(name -> known(ONLY, name, pipeline, problems));
      until.ifPresent(name -> known(UNTIL, name, pipeline, problems));
    }
    return new PipelinePlan.Selection(redo, only, until);
  }

  private static void known(Setting<?> setting, String name, Pipeline pipeline, Problems problems) {
    if (!pipeline.names().contains(name)) {
      problems.add(
          String.format(
              "%s is '%s', and %s has no such stage%s",
              setting.option(),
              name,
              pipeline.file(),
              NearestName.among(pipeline.names(), name)
                  .map(near -> ": did you mean " + near + "?")
                  .orElse(": it has " + String.join(", ", pipeline.names()) + ".")));
    }
  }

  /** The most tasks that any stage has at once. */
  private static int slots(Pipeline pipeline) {
    return pipeline.stages().stream()
        .mapToInt(stage -> stage.ranks().orElseGet(SparkSessions::coresHere))
        .max()
        .orElse(1);
  }
}
