package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.RunRecord;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LossOn;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.settings.Texts;
import io.plumbline.spark.cli.options.ColumnOptions;
import io.plumbline.spark.cli.options.Command;
import io.plumbline.spark.cli.options.Problems;
import io.plumbline.spark.cli.options.RowOptions;
import io.plumbline.spark.cli.options.Setting;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TemplateOptions;
import io.plumbline.spark.cli.options.TrainingSettings;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.prepare.PreparedCounts;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.TrainingRows;
import io.plumbline.spark.training.TrainingRows.SourceReading;
import io.plumbline.spark.training.algorithm.ModelUse;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Function;

/** {@code prepare}: data to tokens. */
public final class PrepareCommand implements Command {
  static final Setting<String> MODEL =
      TrainingSettings.MODEL.withHelp(
          "Hugging Face directory whose tokenizer and chat template are used.");
  static final Setting<String> OUTPUT =
      TrainingSettings.OUTPUT.withHelp(
          "Where sources/, prepared/, quarantine/, shards-train/ and shards-eval/ are written. A"
              + " training command with the same --output and the same options finds them; dpo and kto"
              + " write the shards again, with the reference's values in them.");
  static final Setting<ExampleKind> KIND =
      Setting.choice(
              "kind",
              TrainingSettings.DATA.group(),
              "What the rows are to become: preference pairs for dpo, reward, orpo and simpo;"
                  + " supervised rows for sft; those from the chosen side of pairs for sft"
                  + " --supervised-on chosen; unpaired rows with labels for kto; prompts for grpo.",
              ExampleKind.class)
          .withInitial("preference");

  @Override
  public String name() {
    return "prepare";
  }

  @Override
  public String summary() {
    return "Data to tokenized canonical shards, and bad rows to quarantine.";
  }

  @Override
  public String description() {
    return "Validates rows, applies the chat template, tokenizes and truncates as TRL does, splits"
        + " and packs, and orders them by seed. Training commands do this themselves; by itself it"
        + " shows what is wrong with data without a training run.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "prepare --model models/base --data pairs.jsonl --eval-split 5% --output runs/dpo",
        "prepare --model models/base --data 'hdfs:///tables/chats/*.parquet' --kind supervised"
            + " --packing bfd --output runs/sft --max-bad-rows 100",
        "prepare --model models/base --data table:lake.feedback.votes --kind unpaired"
            + " --output runs/kto",
        "prepare --model models/sft --data questions.jsonl --kind prompt --output runs/grpo");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        MODEL,
        TrainingSettings.DATA,
        KIND,
        TrainingSettings.EVAL_DATA,
        TrainingSettings.EVAL_SPLIT,
        ColumnOptions.COLUMNS,
        ColumnOptions.DESIRABLE_FROM,
        OUTPUT,
        TrainingSettings.EPOCHS,
        TrainingSettings.MAX_STEPS,
        TrainingSettings.GLOBAL_BATCH_SIZE,
        TrainingSettings.SEED.withHelp("Decides the order of rows and the split."),
        TrainingSettings.NO_SHUFFLE,
        TrainingSettings.MAX_LENGTH,
        TrainingSettings.MAX_PROMPT_LENGTH,
        TrainingSettings.TRUNCATION_MODE,
        TrainingSettings.LOSS_ON,
        TrainingSettings.PACKING,
        TrainingSettings.MAX_BAD_ROWS,
        TemplateOptions.CHAT_TEMPLATE,
        TemplateOptions.CHAT_TEMPLATE_KWARGS,
        TemplateOptions.CHAT_TEMPLATE_DATE,
        SparkSessions.MASTER);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model =
        values
            .require(MODEL, "name the Hugging Face directory whose tokenizer is to be used")
            .orElse("");
    String output =
        values.require(OUTPUT, "name a directory for the prepared rows").orElse("output");
    ExampleKind kind = values.of(KIND);
    RowOptions options = RowOptions.of(values, problems);
    Packing packing = options.packing(values, problems);
    LossOn lossOn = values.of(TrainingSettings.LOSS_ON);
    if (kind == ExampleKind.PREFERENCE
        || kind == ExampleKind.UNPAIRED
        || kind == ExampleKind.PROMPT) {
      if (lossOn != LossOn.COMPLETION) {
        problems.add(refusedFor(kind, TrainingSettings.LOSS_ON));
      }
      if (packing != Packing.OFF) {
        problems.add(refusedFor(kind, TrainingSettings.PACKING));
      }
    }
    if (kind != ExampleKind.UNPAIRED && values.has(ColumnOptions.DESIRABLE_FROM)) {
      problems.add(
          String.format(
              "--desirable-from is for labelled rows, and --kind is %s: leave it out, or add --kind"
                  + " unpaired.",
              Texts.word(kind)));
    }
    OptionalLong maxSteps =
        values.find(TrainingSettings.MAX_STEPS).map(OptionalLong::of).orElse(OptionalLong.empty());
    double epochs = values.of(TrainingSettings.EPOCHS);
    int globalBatchSize = values.of(TrainingSettings.GLOBAL_BATCH_SIZE);
    long seed = values.of(TrainingSettings.SEED);
    Order order = values.of(TrainingSettings.NO_SHUFFLE) ? Order.INPUT : Order.SHUFFLED;
    SparkSessions.check(values, 1, problems);
    Function<SourceReading, TrainingRows.Settings> rows =
        sources -> options.rows(kind, lossOn, packing, seed, output, sources);
    return console -> {
      try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere());
          Progress progress = Progress.on(console)) {
        Storage storage = session.storage();
        CheckedRows checked =
            CheckedRows.of(
                session, values, rows, model, ModelUse.TOKENIZER, Optional.empty(), progress::note);
        // What a finished run has there stays; a run that is under way is not disturbed.
        try (OutputClaim claim = OutputClaim.take(storage, output, Start.RESUME, progress::note)) {
          TrainingRows making =
              new TrainingRows(
                  session.spark(), storage, checked.settings(), progress, change -> {});
          TrainingRows.Made made = making.make(checked.model());
          requireRowsOfRun(storage, output, made);
          CanonicalShards.Plan plan =
              TrainingRows.plan(globalBatchSize, made.rows().count(), maxSteps, epochs, seed);
          making.writeTrain(made, plan, order, Optional.empty());
          making.writeHeld(made, 1, Optional.empty());
          progress.close();
          console.out().print(summary(new RunDirectory(output), made, plan));
        }
      }
    };
  }

  /**
   * A run that was stopped, or is done, has shards of its own rows, which others must not replace.
   */
  static void requireRowsOfRun(Storage storage, String output, TrainingRows.Made made) {
    String path = new RunDirectory(output).runRecord();
    if (!storage.exists(path)) {
      return;
    }
    RunRecord run = RunRecord.read(storage, path);
    requireFingerprint(run, output, "train", made.prepared());
    made.preparedHeld().ifPresent(held -> requireFingerprint(run, output, "eval", held));
  }

  private static void requireFingerprint(
      RunRecord run, String output, String split, Prepared prepared) {
    if (run.fingerprint("data." + split)
        .filter(rows -> !rows.equals(prepared.fingerprint()))
        .isPresent()) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          "%s holds a run of %s with other %s rows (other data, tokenizer or lengths): give another --output"
              .formatted(output, run.command(), split));
    }
  }

  private static String refusedFor(ExampleKind kind, Setting<?> setting) {
    return String.format(
        "%s is for sft, and --kind is %s: leave it out, or add --kind supervised.",
        setting.option(), Texts.word(kind));
  }

  private static String summary(
      RunDirectory run, TrainingRows.Made made, CanonicalShards.Plan plan) {
    StringBuilder text = new StringBuilder();
    text.append(line("rows", made.prepared().directory(), counts(made.prepared().counts())));
    made.preparedHeld()
        .ifPresent(held -> text.append(line("", held.directory(), counts(held.counts()))));
    text.append(
        line(
            "shards",
            run.shards("train"),
            String.format(
                Locale.ROOT,
                "%,d rows, %d shards, %,d steps of %d",
                made.rows().count(),
                plan.shards(),
                plan.steps(),
                plan.globalBatchSize())));
    made.held()
        .ifPresent(
            held ->
                text.append(
                    line(
                        "",
                        run.shards("eval"),
                        String.format(Locale.ROOT, "%,d rows", held.count()))));
    quarantine(text, made.prepared());
    made.preparedHeld().ifPresent(held -> quarantine(text, held));
    return text.toString();
  }

  private static void quarantine(StringBuilder text, Prepared prepared) {
    prepared
        .quarantine()
        .ifPresent(
            directory ->
                text.append(
                    line(
                        "quarantine",
                        directory,
                        String.format(
                            Locale.ROOT,
                            "%,d rows: %s",
                            prepared.counts().refusedRows(),
                            prepared.counts().refused()))));
  }

  private static String counts(PreparedCounts counts) {
    return String.format(Locale.ROOT, "%,d rows, %,d tokens", counts.accepted(), counts.tokens());
  }

  private static String line(String what, String where, String how) {
    return String.format(Locale.ROOT, "  %-10s %s (%s)%n", what, where, how);
  }
}
