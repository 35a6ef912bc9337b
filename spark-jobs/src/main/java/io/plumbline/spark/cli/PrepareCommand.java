package io.plumbline.spark.cli;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits;
import io.plumbline.spark.prepare.BadRowLimit;
import io.plumbline.spark.prepare.Prepare;
import io.plumbline.spark.prepare.PrepareSettings;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.prepare.PreparedCounts;
import io.plumbline.spark.prepare.ShardWriting;
import io.plumbline.spark.training.TrainingRequest.BadRows;
import io.plumbline.spark.training.TrainingRequest.Truncation;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.apache.spark.sql.SparkSession;

/** {@code prepare}: data to tokens. */
final class PrepareCommand implements Command {
  static final String STAGE = "prepare";

  static final Setting<String> MODEL =
      TrainingSettings.MODEL.withHelp(
          "Hugging Face directory whose tokenizer and chat template are used.");
  static final Setting<String> OUTPUT =
      TrainingSettings.OUTPUT.withHelp(
          "Where prepared/, shards/ and quarantine/ are written. A training command with the same"
              + " OUTPUT finds the prepared rows.");
  static final Setting<ExampleKind> KIND =
      Setting.choice(
              "kind",
              TrainingSettings.DATA.group(),
              "What the rows are to become: pairs for dpo, one completion for sft, or that from the"
                  + " chosen side of pairs.",
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
    return "Validates rows, applies the chat template, tokenizes and truncates as TRL does, and"
        + " orders them by seed. Training commands do this themselves; by itself it shows what is"
        + " wrong with data without a training run.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "prepare --model models/base --data pairs.jsonl --output runs/dpo",
        "prepare --model models/base --data 'hdfs:///tables/chats/*.parquet' --kind supervised"
            + " --output runs/sft --max-bad-rows 100");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        MODEL,
        TrainingSettings.DATA,
        OUTPUT,
        KIND,
        TrainingSettings.EPOCHS,
        TrainingSettings.MAX_STEPS,
        TrainingSettings.GLOBAL_BATCH_SIZE,
        TrainingSettings.SEED,
        TrainingSettings.NO_SHUFFLE,
        TrainingSettings.MAX_LENGTH,
        TrainingSettings.MAX_PROMPT_LENGTH,
        TrainingSettings.TRUNCATION_MODE,
        TrainingSettings.MAX_BAD_ROWS,
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
    PrepareSettings settings = settings("train", values, values.of(KIND), output, problems);
    OptionalLong maxSteps =
        values.find(TrainingSettings.MAX_STEPS).map(OptionalLong::of).orElse(OptionalLong.empty());
    double epochs = values.of(TrainingSettings.EPOCHS);
    int globalBatchSize = values.of(TrainingSettings.GLOBAL_BATCH_SIZE);
    long seed = values.of(TrainingSettings.SEED);
    CanonicalShards.Order order =
        values.of(TrainingSettings.NO_SHUFFLE)
            ? CanonicalShards.Order.INPUT
            : CanonicalShards.Order.SHUFFLED;
    SparkSessions.check(values, 1, problems);
    return console -> {
      try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere());
          Progress progress = Progress.on(console)) {
        Storage storage = session.storage();
        ModelDirectory directory = ModelDirectory.open(storage, model);
        Prepared prepared = run(session.spark(), storage, settings, directory, progress);
        CanonicalShards.Plan plan =
            maxSteps.isPresent()
                ? CanonicalShards.Plan.forSteps(
                    globalBatchSize, prepared.counts().accepted(), maxSteps.getAsLong(), seed)
                : CanonicalShards.Plan.forEpochs(
                    globalBatchSize, prepared.counts().accepted(), epochs, seed);
        String shards = Storage.join(output, "shards");
        ShardWriting.write(
            storage, shards, prepared.rows(session.spark()), plan, order, prepared.fingerprint());
        progress.close();
        PreparedCounts counts = prepared.counts();
        console
            .out()
            .printf(
                Locale.ROOT,
                "  rows       %s%n  shards     %s (%d shards, %d steps of %d)%n",
                prepared.directory(),
                shards,
                plan.shards(),
                plan.steps(),
                plan.globalBatchSize());
        prepared
            .quarantine()
            .ifPresent(
                quarantine ->
                    console
                        .out()
                        .printf(
                            Locale.ROOT,
                            "  quarantine %s (%d rows: %s)%n",
                            quarantine,
                            counts.refusedRows(),
                            counts.refused()));
      }
    };
  }

  /** How the options say that data is to be prepared. */
  static PrepareSettings settings(
      String name, SettingValues values, ExampleKind kind, String output, Problems problems) {
    List<String> data = TrainingSettings.paths(TrainingSettings.DATA, values, problems);
    if (data.isEmpty()) {
      problems.add("--data is missing: name a file, a directory or a glob of rows.");
    }
    OptionalInt maxLength = values.of(TrainingSettings.MAX_LENGTH);
    OptionalInt maxPromptLength = values.of(TrainingSettings.MAX_PROMPT_LENGTH);
    Truncation truncation = values.of(TrainingSettings.TRUNCATION_MODE);
    BadRows badRows = values.of(TrainingSettings.MAX_BAD_ROWS);
    return new PrepareSettings(
        name,
        data,
        kind,
        new LengthLimits(
            maxLength.orElse(0),
            maxPromptLength.orElse(0),
            switch (truncation) {
              case KEEP_START -> LengthLimits.Truncation.KEEP_START;
              case KEEP_END -> LengthLimits.Truncation.KEEP_END;
              case REFUSE -> LengthLimits.Truncation.OFF;
            }),
        badRows.atMost().isPresent()
            ? new BadRowLimit(badRows.atMost().getAsLong(), 0)
            : new BadRowLimit(-1, badRows.atMostShare()),
        output,
        0);
  }

  /** Prepares with progress shown. */
  static Prepared run(
      SparkSession spark,
      Storage storage,
      PrepareSettings settings,
      ModelDirectory model,
      Progress progress) {
    progress.stageStarted(STAGE, 0, "parts");
    Prepared prepared =
        Prepare.run(
            spark,
            storage,
            settings,
            model.tokenizerFiles(),
            (done, parts, rows) -> progress.stageAdvanced(STAGE, done));
    PreparedCounts counts = prepared.counts();
    progress.stageFinished(
        STAGE,
        String.format(
            Locale.ROOT,
            "%,d rows read, %,d accepted, %,d refused, %,d truncated, %,d tokens%s",
            counts.read(),
            counts.accepted(),
            counts.refusedRows(),
            counts.truncated(),
            counts.tokens(),
            prepared.origin() == Prepared.Origin.FOUND ? " (found prepared)" : ""));
    return prepared;
  }
}
