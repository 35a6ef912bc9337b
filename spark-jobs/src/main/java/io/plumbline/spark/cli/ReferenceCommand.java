package io.plumbline.spark.cli;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.ExampleKind;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.prepare.PrepareSettings;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.reference.Filled;
import io.plumbline.spark.reference.ReferenceCache;
import io.plumbline.spark.reference.ReferenceSettings;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Locale;

/** {@code reference}: fills the cache of reference log-probabilities. */
final class ReferenceCommand implements Command {
  static final Setting<String> OUTPUT =
      TrainingSettings.OUTPUT.withHelp(
          "Where prepared/ and quarantine/ are written. A dpo with the same OUTPUT finds the"
              + " prepared rows.");
  static final Setting<String> MODEL =
      TrainingSettings.MODEL.withHelp("Hugging Face directory of the reference model.");

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
        + " the same time. dpo does this itself; by itself it fills a cache ahead of many runs.";
  }

  @Override
  public List<String> examples() {
    return List.of(
        "reference --model models/base --data pairs.jsonl --output runs/dpo"
            + " --reference-cache shared/reference");
  }

  @Override
  public List<Setting<?>> settings() {
    return List.of(
        MODEL,
        TrainingSettings.DATA,
        OUTPUT,
        TrainingSettings.REFERENCE_CACHE,
        TrainingSettings.MAX_LENGTH,
        TrainingSettings.MAX_PROMPT_LENGTH,
        TrainingSettings.TRUNCATION_MODE,
        TrainingSettings.MAX_BAD_ROWS,
        TrainingSettings.MICRO_BATCH_TOKENS,
        TrainingSettings.RANKS.withHelp(
            "Tasks at once, where there is no cluster: the embedded Spark is local[N]."),
        SparkSessions.MASTER,
        TrainingSettings.THREADS_PER_RANK.withHelp(
            "Threads that PyTorch uses in a task; 0 for the task's share of the cores."),
        TrainingSettings.COMPUTE_DTYPE);
  }

  @Override
  public Work check(SettingValues values, Problems problems) {
    String model =
        values.require(MODEL, "name the Hugging Face directory of the reference model").orElse("");
    String output =
        values.require(OUTPUT, "name a directory for the prepared rows").orElse("output");
    String cache =
        values
            .require(TrainingSettings.REFERENCE_CACHE, "name the directory of the cache")
            .orElse("cache");
    PrepareSettings prepare =
        PrepareCommand.settings("train", values, ExampleKind.PREFERENCE, output, problems);
    ComputeDtype dtype = values.of(TrainingSettings.COMPUTE_DTYPE);
    ReferenceSettings settings =
        ReferenceSettings.of(cache, dtype)
            .withThreadsPerTask(values.of(TrainingSettings.THREADS_PER_RANK))
            .withTokensPerBatch(values.of(TrainingSettings.MICRO_BATCH_TOKENS));
    int tasks = values.of(TrainingSettings.RANKS);
    SparkSessions.check(values, tasks, problems);
    return console -> {
      try (SparkSessions.Session session = SparkSessions.open(values, tasks);
          Progress progress = Progress.on(console)) {
        Storage storage = session.storage();
        ModelDirectory directory = ModelDirectory.open(storage, model);
        Prepared prepared =
            PrepareCommand.run(session.spark(), storage, prepare, directory, progress);
        Filled filled =
            ReferenceCache.fill(
                session.spark(),
                storage,
                prepared.rows(session.spark()),
                model,
                settings,
                progress);
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
