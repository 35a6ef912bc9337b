package io.plumbline.spark.cli.pipeline;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.settings.Texts;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.TemplateOptions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.pipeline.PipelinePlan.Action;
import io.plumbline.spark.cli.pipeline.PipelineRecord.Status;
import io.plumbline.spark.cli.terminal.Console;
import io.plumbline.spark.cli.terminal.Failure;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.Start;
import io.plumbline.storage.Storage;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;

/** Runs the stages of a pipeline, one after another, in one session. */
public final class PipelineRun {
  private final Pipeline pipeline;
  private final Storage storage;
  private final Console console;
  private PipelineRecord record;

  private PipelineRun(Pipeline pipeline, PipelineRecord record, Storage storage, Console console) {
    this.pipeline = pipeline;
    this.record = record;
    this.storage = storage;
    this.console = console;
  }

  /**
   * Plans, checks and runs. Ends with the first stage that fails.
   *
   * @throws PlumblineException BAD_USAGE where something has changed that was done, or an input is
   *     not there, before any work; with the code of the stage's failure where one fails
   */
  public static void run(
      Pipeline pipeline, PipelinePlan.Selection selection, Storage storage, Console console) {
    try (OutputClaim claim = OutputClaim.take(storage, pipeline.output(), Start.RESUME)) {
      PipelineRecord record =
          PipelineRecord.read(storage, pipeline.output())
              .orElse(PipelineRecord.empty(pipeline.file()))
              .withFile(pipeline.file());
      PipelinePlan plan = PipelinePlan.of(pipeline, record, selection, storage);
      Problems problems = new Problems();
      plan.check(pipeline, record, storage, problems);
      problems.refuse();
      new PipelineRun(pipeline, record, storage, console).run(plan);
    }
  }

  /** What a call would do, for people. */
  public static String planned(
      Pipeline pipeline, PipelinePlan.Selection selection, Storage storage) {
    PipelineRecord record =
        PipelineRecord.read(storage, pipeline.output())
            .orElse(PipelineRecord.empty(pipeline.file()));
    PipelinePlan plan = PipelinePlan.of(pipeline, record, selection, storage);
    StringBuilder text = new StringBuilder();
    int number = 0;
    for (PipelinePlan.Step step : plan.steps()) {
      PipelineStage stage = step.stage();
      text.append(
          String.format(
              Locale.ROOT,
              "%d/%d  %s: %s%s%n",
              ++number,
              plan.steps().size(),
              stage.name(),
              step.action().words(),
              step.why().isEmpty() ? "" : " (" + step.why() + ")"));
      text.append("     ").append(stage.call()).append(System.lineSeparator());
      if (!stage.uses().isEmpty()) {
        text.append("     uses ")
            .append(String.join(", ", stage.uses().stream().sorted().toList()))
            .append(System.lineSeparator());
      }
    }
    Problems problems = new Problems();
    plan.check(pipeline, record, storage, problems);
    if (!problems.none()) {
      text.append("This would be refused now: ")
          .append(Problems.listing(problems.sentences()))
          .append(System.lineSeparator());
    }
    return text.toString();
  }

  private void run(PipelinePlan plan) {
    // Told before any work: a call that is stopped in between does not forget it.
    for (String name : plan.redone()) {
      record.stage(name).ifPresent(stage -> record = record.with(stage.with(Status.OUTDATED)));
    }
    record.write(storage, pipeline.output());
    int number = 0;
    boolean worked = false;
    for (PipelinePlan.Step step : plan.steps()) {
      String at =
          String.format(
              Locale.ROOT, "[%d/%d] %s: ", ++number, plan.steps().size(), step.stage().name());
      switch (step.action()) {
        case LEAVE -> note(at + "left out");
        case SKIP ->
            note(
                at
                    + "done before ("
                    + Progress.duration(record.stage(step.stage().name()).orElseThrow().seconds())
                    + "), nothing has changed");
        case START, RESUME, START_AGAIN -> {
          work(step, at);
          worked = true;
        }
        case REFUSE -> throw new IllegalStateException("refused before any work");
      }
    }
    String report = PipelinePages.write(pipeline, record, storage);
    console.out().print(summary(worked, report));
  }

  private void work(PipelinePlan.Step step, String at) {
    PipelineStage stage = step.stage();
    note(
        at
            + switch (step.action()) {
              case RESUME -> "resumes: ";
              case START_AGAIN ->
                  step.why().isEmpty() ? "is done again: " : "begins again (" + step.why() + "): ";
              default -> "";
            }
            + stage.call());
    begin(step);
    long start = System.nanoTime();
    try {
      command(stage, step.action());
    } catch (Exception | LinkageError | VirtualMachineError e) {
      Failure failure = Failure.of(e);
      record =
          record.with(
              begun(stage).ended(Status.FAILED, Instant.now(), seconds(start), failure.sentence()));
      PlumblineException told = new PlumblineException(code(e, failure), ending(stage, failure), e);
      try {
        record.write(storage, pipeline.output());
        PipelinePages.write(pipeline, record, storage);
      } catch (RuntimeException unwritten) {
        told.addSuppressed(unwritten);
      }
      throw told;
    }
    record = record.with(begun(stage).ended(Status.COMPLETED, Instant.now(), seconds(start), ""));
    record.write(storage, pipeline.output());
    PipelinePages.write(pipeline, record, storage);
    note(at + "done in " + Progress.duration(seconds(start)));
  }

  /** Writes down that a stage begins, and makes room for it. */
  private void begin(PipelinePlan.Step step) {
    PipelineStage stage = step.stage();
    boolean resumes = step.action() == Action.RESUME;
    PipelineRecord.Stage fresh =
        new PipelineRecord.Stage(
            stage.name(),
            stage.command().name(),
            stage.output(),
            Status.RUNNING,
            PipelineRecord.masked(stage.deciding()),
            PipelinePlan.optionsFingerprint(stage),
            PipelinePlan.inputs(stage, record, storage),
            UUID.randomUUID().toString(),
            Instant.now().toString(),
            "",
            0,
            "");
    // Only what this pipeline made is deleted: where it began, the directory was empty.
    boolean emptied =
        switch (stage.parts().remains()) {
          case FOUND -> false;
          case RESUMED -> step.action() == Action.START_AGAIN;
          case DELETED -> step.action() != Action.START;
        };
    if (emptied) {
      storage.delete(record.stage(stage.name()).orElseThrow().output());
    }
    record = record.with(resumes ? begun(stage).with(Status.RUNNING) : fresh);
    record.write(storage, pipeline.output());
  }

  private PipelineRecord.Stage begun(PipelineStage stage) {
    return record.stage(stage.name()).orElseThrow();
  }

  /** Runs a stage's command with what the command line would give it. */
  private void command(PipelineStage stage, Action action) throws Exception {
    Map<String, SettingValues.Given> values = stage.values();
    if (action == Action.RESUME && stage.parts().remains() == StageParts.Remains.RESUMED) {
      values.put(TrainingSettings.RESUME.name(), new SettingValues.Given(List.of("true"), ""));
    }
    Setting<?> date = TemplateOptions.CHAT_TEMPLATE_DATE;
    if (stage.has(date) && !record.date().isEmpty()) {
      values.putIfAbsent(date.name(), new SettingValues.Given(List.of(record.date()), ""));
    }
    Problems problems = new Problems();
    Command.Work work = stage.command().check(new SettingValues(values, problems), problems);
    problems.refuse();
    if (stage.writesItself()) {
      work.run(console);
      return;
    }
    String file = Storage.join(stage.output(), stage.standardOutput());
    try (OutputStream to = storage.create(file);
        PrintStream out = new PrintStream(to, false, StandardCharsets.UTF_8)) {
      work.run(new Console(out, console.err(), console.columns()));
      out.flush();
      if (out.checkError()) {
        throw new PlumblineException(
            ErrorCode.STORAGE_FAILED,
            "Could not write " + file + "; check the file system's free space.");
      }
    }
    note("  what it said is in " + file);
  }

  private static ErrorCode code(Throwable e, Failure failure) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof PlumblineException known) {
        return known.code();
      }
    }
    return failure.exitStatus() == 2 ? ErrorCode.BAD_USAGE : ErrorCode.INTERNAL;
  }

  private static String ending(PipelineStage stage, Failure failure) {
    String sentence = failure.sentence().strip();
    return String.format(
        "Stage %s (%s) failed: %s%s What was done before it stays: once that is fixed, the same"
            + " call %s.%s",
        stage.name(),
        stage.command().name(),
        sentence,
        sentence.matches("(?s).*[.!?)]") ? "" : ".",
        stage.parts().remains() == StageParts.Remains.DELETED
            ? "begins this stage again and continues from there"
            : "resumes this stage",
        failure.unexpected() ? " (--verbose shows where this came from.)" : "");
  }

  private String summary(boolean worked, String report) {
    StringBuilder text = new StringBuilder();
    if (!worked) {
      text.append(
          "Nothing was left to do: --redo with a stage's name does it again, and what uses it.\n");
    }
    for (PipelineStage stage : pipeline.stages()) {
      record
          .stage(stage.name())
          .ifPresent(
              done ->
                  text.append(
                      String.format(
                          Locale.ROOT,
                          "  %-12s %-10s %8s  %s%n",
                          stage.name(),
                          Texts.word(done.status()),
                          Progress.duration(done.seconds()),
                          stage.output())));
    }
    text.append(String.format("  %-12s %s%n", "report", report));
    text.append(
        String.format(
            "  %-12s %s%n", "record", Storage.join(pipeline.output(), PipelineRecord.FILE)));
    return text.toString();
  }

  private void note(String line) {
    console.err().println(line);
  }

  private static double seconds(long start) {
    return Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0;
  }
}
