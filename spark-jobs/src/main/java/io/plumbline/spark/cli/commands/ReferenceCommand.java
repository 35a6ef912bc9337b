package io.plumbline.spark.cli.commands;

import io.plumbline.data.ExampleKind;
import io.plumbline.data.LossOn;
import io.plumbline.data.TokenizedRow;
import io.plumbline.model.CausalLm.ComputeDtype;
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
import io.plumbline.spark.reference.Filled;
import io.plumbline.spark.reference.ReferenceCache;
import io.plumbline.spark.reference.ReferenceSettings;
import io.plumbline.spark.training.TrainingRows;
import io.plumbline.spark.training.TrainingRows.SourceReading;
import io.plumbline.spark.training.algorithm.ModelUse;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.storage.StorageLevel;

/** {@code reference}: fills the cache of reference log-probabilities. */
public final class ReferenceCommand implements Command {
  /** Rows that are compared with a reference. */
  enum Kind {
    PREFERENCE(ExampleKind.PREFERENCE),
    UNPAIRED(ExampleKind.UNPAIRED);

    private final ExampleKind rows;

    Kind(ExampleKind rows) {
      this.rows = rows;
    }
  }

  static final Setting<String> MODEL =
      TrainingSettings.MODEL.withHelp(
          "Hugging Face directory of the reference model, on any Hadoop path.");
  static final Setting<String> DATA =
      TrainingSettings.DATA.withHelp(
          "JSONL, JSON or Parquet: a file, a directory or a glob on any Hadoop path; or table:NAME,"
              + " sql:SELECT..., or a Delta directory. May be repeated. Weights, as training commands"
              + " take them, make no difference here: every row has one value.");
  static final Setting<Kind> KIND =
      Setting.choice(
              "kind",
              TrainingSettings.DATA.group(),
              "What the rows are: preference pairs for dpo, or unpaired rows for kto, each with the"
                  + " completion of another for the estimate of the KL.",
              Kind.class)
          .withInitial("preference");
  static final Setting<String> OUTPUT =
      TrainingSettings.OUTPUT.withHelp(
          "Where sources/, prepared/ and quarantine/ are written. A dpo or kto with the same --output"
              + " finds the prepared rows.");
  static final Setting<String> CACHE =
      TrainingSettings.REFERENCE_CACHE.withHelp(
          "Where the log-probabilities are kept, to be shared by runs and teams: for dpo and kto"
              + " --reference-cache names it again.");
  static final Setting<Long> SEED =
      TrainingSettings.SEED.withHelp("Decides the split; the one of the training to come.");

  @Override
  public String name() {
    return "reference";
  }

  @Override
  public String summary() {
    return "Fills the cache of reference log-probabilities, computing only what it lacks.";
  }

  @Override
  public String description() {
    return "Prepares the data and computes the per-token log-probabilities of the rows that the"
        + " cache does not have for this model and type. Several runs may fill and use one cache at"
        + " the same time. dpo and kto do this themselves; by itself it fills a cache ahead of many"
        + " runs.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "reference --model models/base --data pairs.jsonl --output runs/dpo"
            + " --reference-cache shared/reference",
        "reference --model models/base --data thumbs.jsonl --kind unpaired --eval-split 5%"
            + " --output runs/kto --reference-cache shared/reference");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        MODEL,
        DATA,
        KIND,
        TrainingSettings.EVAL_DATA,
        TrainingSettings.EVAL_SPLIT.withHelp(
            "Holds out so many rows of --data, or so large a share. All rows are computed either"
                + " way, but unpaired rows get the other completion from their own side."),
        ColumnOptions.COLUMNS,
        ColumnOptions.DESIRABLE_FROM,
        OUTPUT,
        CACHE,
        SEED,
        TrainingSettings.MAX_LENGTH,
        TrainingSettings.MAX_PROMPT_LENGTH,
        TrainingSettings.TRUNCATION_MODE,
        TrainingSettings.MAX_BAD_ROWS,
        TemplateOptions.CHAT_TEMPLATE,
        TemplateOptions.CHAT_TEMPLATE_KWARGS,
        TemplateOptions.CHAT_TEMPLATE_DATE,
        TrainingSettings.RANKS.withHelp(
            "Tasks at once, where there is no cluster: the embedded Spark is local[N]."),
        SparkSessions.MASTER,
        TrainingSettings.THREADS_PER_RANK.withHelp(
            "Threads that PyTorch uses in a task; 0 for the task's share of the cores."),
        TrainingSettings.DEVICE.withHelp(
            "Where tasks compute: auto takes the GPU that Spark gives a task, and the CPU where it"
                + " gives none."),
        TrainingSettings.COMPUTE_DTYPE.withHelp(
            "In which type kernels multiply; values of different types are kept apart."),
        tokensPerBatch());
  }

  private static Setting<Integer> tokensPerBatch() {
    return TrainingSettings.tokensPerPass(
        TrainingSettings.MICRO_BATCH_TOKENS.initial().orElseThrow());
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model =
        values.require(MODEL, "name the Hugging Face directory of the reference model").orElse("");
    String output =
        values.require(OUTPUT, "name a directory for the prepared rows").orElse("output");
    String cache = values.require(CACHE, "name the directory of the cache").orElse("cache");
    RowOptions options = RowOptions.of(values, problems);
    Kind kind = values.of(KIND);
    if (kind != Kind.UNPAIRED && values.has(ColumnOptions.DESIRABLE_FROM)) {
      problems.add("--desirable-from is for labelled rows: leave it out, or add --kind unpaired.");
    }
    long seed = values.of(SEED);
    ComputeDtype dtype = values.of(TrainingSettings.COMPUTE_DTYPE);
    ReferenceSettings settings =
        ReferenceSettings.of(cache, dtype)
            .withDevice(values.of(TrainingSettings.DEVICE))
            .withThreadsPerTask(values.of(TrainingSettings.THREADS_PER_RANK))
            .withTokensPerBatch(values.of(tokensPerBatch()));
    int tasks = values.of(TrainingSettings.RANKS);
    SparkSessions.check(values, tasks, problems);
    Function<SourceReading, TrainingRows.Settings> rows =
        sources -> options.rows(kind.rows, LossOn.COMPLETION, Packing.OFF, seed, output, sources);
    return console -> {
      try (SparkSessions.Session session = SparkSessions.open(values, tasks);
          Progress progress = Progress.on(console)) {
        Storage storage = session.storage();
        CheckedRows checked =
            CheckedRows.of(
                session,
                values,
                rows,
                model,
                ModelUse.LANGUAGE_MODEL,
                Optional.of(cache),
                progress::note);
        TrainingRows.Made made =
            new TrainingRows(session.spark(), storage, checked.settings(), progress, change -> {})
                .make(checked.model());
        PrepareCommand.requireRowsOfRun(storage, output, made);
        JavaRDD<TokenizedRow> wanted = made.all().persist(StorageLevel.MEMORY_AND_DISK());
        Filled filled =
            ReferenceCache.fill(session.spark(), storage, wanted, model, settings, progress);
        wanted.unpersist();
        progress.close();
        console
            .out()
            .printf(
                Locale.ROOT,
                "reference.computed %d%nreference.found %d%ncache %s%n",
                filled.computed(),
                filled.found(),
                cache);
      }
    };
  }
}
