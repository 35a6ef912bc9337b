package io.plumbline.spark.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.plumbline.base.Json;
import io.plumbline.checkpoint.Adapter;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.checkpoint.TokenizerFit;
import io.plumbline.data.ColumnNames;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm;
import io.plumbline.model.LoraSettings;
import io.plumbline.spark.gang.Gang;
import io.plumbline.spark.gang.StopRequest;
import io.plumbline.spark.source.DataFiles;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.spark.training.TrainingRows.SourceReading;
import io.plumbline.spark.training.algorithm.ModelUse;
import io.plumbline.spark.training.algorithm.RolloutSettings;
import io.plumbline.storage.Storage;
import io.plumbline.text.TemplateSettings;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;

/**
 * What can be known to be wrong before any work: seconds here save hours later. Reads the headers
 * of the model's files, lists the data, and asks Spark for its settings and slots.
 */
public final class Preflight {
  /** One thing that is wrong: a sentence with what, where and how to fix it. */
  public record Problem(ErrorCode code, String sentence) {}

  private final Storage storage;
  private final Set<Problem> problems = new LinkedHashSet<>();

  private Preflight(Storage storage) {
    this.storage = storage;
  }

  /**
   * Everything that is wrong; empty where the run may begin. Takes no more than seconds, and where
   * nothing but slots is missing as long as the run is to wait for them.
   *
   * @param notes hears what is waited for
   */
  static List<Problem> check(
      SparkSession spark,
      TrainingRequest request,
      Storage storage,
      StopRequest stop,
      Consumer<String> notes) {
    Preflight preflight = new Preflight(storage);
    Set<String> renamed = ColumnNames.parse(request.files().columns()).columns();
    preflight.sources(spark, "--data", request.files().sources(), Purpose.TRAINING, renamed);
    preflight.sources(spark, "--eval-data", request.files().evalData(), Purpose.HELD_OUT, renamed);
    request
        .objective()
        .sideRows()
        .ifPresent(
            rows ->
                preflight.sources(
                    spark, "--" + rows.option(), rows.data(), Purpose.TRAINING, Set.of()));
    preflight
        .withoutSpark(request)
        .ifPresent(model -> preflight.memory(spark.sparkContext().getConf(), request, model));
    ClusterSettings cluster = request.cluster();
    Duration wait = cluster.restarts().waitForSlots().duration();
    Duration registering = Gang.registering(spark);
    boolean others = !preflight.problems.isEmpty() && wait.compareTo(registering) > 0;
    Preflight slots = new Preflight(storage);
    slots.gathering(
        () ->
            Gang.check(
                spark,
                cluster.restarts().leastOf(cluster.ranks()),
                cluster.device(),
                others ? registering : wait,
                stop,
                notes));
    slots.problems.addAll(preflight.problems);
    return List.copyOf(slots.problems);
  }

  /** The checks of files and numbers alone. */
  static List<Problem> checkWithoutSpark(TrainingRequest request, Storage storage) {
    Preflight preflight = new Preflight(storage);
    preflight.withoutSpark(request);
    return List.copyOf(preflight.problems);
  }

  /**
   * Ends the job if anything is wrong, with all of it in one message.
   *
   * @throws PlumblineException with the code of the first problem
   */
  static void require(
      SparkSession spark,
      TrainingRequest request,
      Storage storage,
      StopRequest stop,
      Consumer<String> notes) {
    refuse(check(spark, request, storage, stop, notes));
  }

  /**
   * Ends a command that makes rows and trains on none, if anything that it reads or writes is not
   * as it must be.
   *
   * @return how tables and queries are to be read: where a run was trained in the directory, as it
   *     read them
   * @throws PlumblineException with the code of the first problem
   */
  public static SourceReading requireRows(
      SparkSession spark,
      Storage storage,
      TrainingRows.Settings rows,
      String model,
      ModelUse use,
      RunTemplates templates,
      Optional<String> referenceCache) {
    Preflight preflight = new Preflight(storage);
    Set<String> renamed = rows.reading().columns().columns();
    preflight.sources(spark, "--data", rows.sources().data(), Purpose.TRAINING, renamed);
    preflight.sources(spark, "--eval-data", rows.sources().evalData(), Purpose.HELD_OUT, renamed);
    preflight.model(model, use);
    preflight.gathering(() -> templates.settings(storage));
    preflight.files(rows.sources().data(), rows.sources().evalData());
    preflight.gathering(
        () ->
            EarlierRun.obstacle(storage, rows)
                .ifPresent(sentence -> preflight.add(ErrorCode.OUTPUT_IN_USE, sentence)));
    preflight.writable(rows.output(), referenceCache);
    refuse(List.copyOf(preflight.problems));
    boolean trained =
        EarlierRun.in(storage, rows.output())
            .filter(run -> run.progress() == EarlierRun.Progress.TRAINED)
            .isPresent();
    return trained ? SourceReading.AS_BEFORE : SourceReading.ANEW;
  }

  static void refuse(List<Problem> problems) {
    if (problems.isEmpty()) {
      return;
    }
    List<String> sentences = problems.stream().map(Problem::sentence).toList();
    throw new PlumblineException(
        problems.get(0).code(),
        sentences.size() == 1
            ? sentences.get(0)
            : sentences.size() + " problems\n  - " + String.join("\n  - ", sentences));
  }

  /** The model that is trained, if it can be opened. */
  private Optional<ModelDirectory> withoutSpark(TrainingRequest request) {
    numbers(request);
    Optional<ModelDirectory> model = model(request.files().model(), request.algorithm().modelUse());
    gathering(() -> request.templates().settings(storage));
    files(request.files().sources(), request.files().evalData());
    request.rollouts().ifPresent(rollouts -> rollouts(rollouts, model));
    request
        .objective()
        .sideRows()
        .ifPresent(
            rows ->
                rows.data().forEach(path -> data("--" + rows.option(), path, Purpose.TRAINING)));
    request.objective().criticStart().ifPresent(start -> critic(start, model));
    model.ifPresent(opened -> gathering(() -> adapter(request, opened)));
    gathering(
        () ->
            EarlierRun.obstacle(storage, request)
                .ifPresent(sentence -> add(ErrorCode.OUTPUT_IN_USE, sentence)));
    if (request.saving().overwrite()) {
      model.ifPresent(opened -> gathering(() -> opened.requireOutside(request.files().output())));
    }
    writable(request.files().output(), request.files().referenceCache());
    model.ifPresent(opened -> gathering(() -> disk(request, opened)));
    return model;
  }

  private void memory(SparkConf conf, TrainingRequest request, ModelDirectory model) {
    gathering(
        () ->
            RankMemory.of(conf, storage, request, model)
                .obstacle()
                .ifPresent(sentence -> add(ErrorCode.CLUSTER_UNFIT, sentence)));
  }

  /** Reward functions are made once here, where a mistake costs nothing yet. */
  private void rollouts(RolloutSettings rollouts, Optional<ModelDirectory> model) {
    gathering(() -> rollouts.rewards().open(storage, TemplateSettings.NONE).close());
    gathering(() -> rollouts.rewards().openCosts(storage, TemplateSettings.NONE).close());
    model.ifPresent(
        opened ->
            gathering(
                () -> {
                  int positions = CausalLm.check(opened).maxPositions();
                  if (positions > 0 && rollouts.completions().maxCompletionLength() >= positions) {
                    add(
                        ErrorCode.BAD_USAGE,
                        String.format(
                            Locale.ROOT,
                            "--max-completion-length is %d, and %s takes %d tokens in all, prompt"
                                + " included: take a smaller one.",
                            rollouts.completions().maxCompletionLength(),
                            opened.path(),
                            positions));
                  }
                }));
  }

  /** Whether the adapter that is to be trained fits the model. */
  private void adapter(TrainingRequest request, ModelDirectory model) {
    LoraSettings lora = request.lora();
    if (lora.trainsAdapter() && model.adapter().isPresent()) {
      add(
          ErrorCode.BAD_USAGE,
          String.format(
              "--model names %s, which is an adapter itself: name what it is an adapter of, and go on"
                  + " with the adapter by --model %s --adapter %s.",
              model.path(), model.base().path(), model.path()));
    } else if (lora.continues()) {
      request.algorithm().modelUse().check(model, Adapter.open(storage, lora.adapter()));
    } else if (lora.trainsAdapter()) {
      request.algorithm().modelUse().check(model, lora);
    }
  }

  /** A critic reads the policy's tokens, so it must have its tokenizer. */
  private void critic(String start, Optional<ModelDirectory> policy) {
    Optional<ModelDirectory> critic =
        policy.filter(model -> model.path().equals(start)).isPresent()
            ? policy
            : model(start, ModelUse.DECODER);
    if (critic.isPresent()
        && policy.isPresent()
        && !vocabulary(critic.get()).equals(vocabulary(policy.get()))) {
      add(
          ErrorCode.BAD_CHECKPOINT,
          String.format(
              "%s has another tokenizer than %s, whose tokens the critic is to read: name a model"
                  + " with the same one by --critic-model, such as --critic-model %s.",
              start, policy.get().path(), policy.get().path()));
    }
  }

  /** What a tokenizer makes of texts; its other files say how it pads and chats. */
  private static JsonNode vocabulary(ModelDirectory model) {
    Optional<String> file = model.tokenizerFiles().content("tokenizer.json");
    try {
      return file.isPresent()
          ? Json.MAPPER.readTree(file.get()).path("model")
          : MissingNode.getInstance();
    } catch (JsonProcessingException e) {
      throw new PlumblineException(
          ErrorCode.BAD_CHECKPOINT, model.path() + " has a tokenizer.json that is not JSON", e);
    }
  }

  private void files(List<String> data, List<String> evalData) {
    data.forEach(path -> data("--data", path, Purpose.TRAINING));
    evalData.forEach(path -> data("--eval-data", path, Purpose.HELD_OUT));
  }

  private void writable(String output, Optional<String> referenceCache) {
    gathering(() -> writable("--output", output));
    referenceCache.ifPresent(cache -> gathering(() -> writable("--reference-cache", cache)));
  }

  /** One thing may be found by two checks. */
  private void add(ErrorCode code, String sentence) {
    Problem problem = new Problem(code, sentence);
    if (!problems.contains(problem)) {
      problems.add(problem);
    }
  }

  /** Runs one check; what it throws is its finding, and the other checks still run. */
  private void gathering(Runnable check) {
    gathering("", check);
  }

  private void gathering(String before, Runnable check) {
    try {
      check.run();
    } catch (PlumblineException e) {
      add(e.code(), before + e.getMessage());
    }
  }

  private void numbers(TrainingRequest request) {
    if (request.cluster().ranks() > request.batch().globalBatchSize()) {
      add(
          ErrorCode.BAD_USAGE,
          String.format(
              "--ranks is %d and --global-batch-size only %d: a rank would have no row in a step;"
                  + " take fewer ranks or a larger batch.",
              request.cluster().ranks(), request.batch().globalBatchSize()));
    }
  }

  private Optional<ModelDirectory> model(String path, ModelUse use) {
    try {
      ModelDirectory model = ModelDirectory.open(storage, path);
      gathering(() -> use.check(model));
      gathering(() -> TokenizerFit.require(model));
      if (model.tokenizerFiles().content("tokenizer.json").isEmpty()) {
        add(
            ErrorCode.BAD_CHECKPOINT,
            path
                + " has no tokenizer.json: copy it from the model's origin, or save the tokenizer"
                + " there by save_pretrained of its fast version.");
      }
      return Optional.of(model);
    } catch (PlumblineException e) {
      add(e.code(), e.getMessage());
      return Optional.empty();
    }
  }

  private void sources(
      SparkSession spark, String option, List<String> given, Purpose purpose, Set<String> renamed) {
    given.forEach(
        source ->
            gathering(
                option + ": ",
                () -> SparkSources.require(spark, storage, source, purpose, renamed)));
  }

  private void data(String option, String path, Purpose purpose) {
    gathering(option + ": ", () -> files(option, path, purpose));
  }

  private void files(String option, String path, Purpose purpose) {
    if (SparkSources.kind(storage, path) != SparkSources.Kind.FILES) {
      return;
    }
    List<Storage.Entry> files = DataFiles.find(storage, path, purpose).files();
    if (files.stream().allMatch(file -> file.length() == 0)) {
      add(
          ErrorCode.BAD_DATA,
          String.format("%s names %s, where every file is empty.", option, path));
      return;
    }
    DataFiles.requireReadable(storage, files);
  }

  /** Writes and deletes a small file where the directory is, or will be made. */
  private void writable(String option, String directory) {
    Path existing = new Path(directory);
    // Above a relative path of one name stands a path of none.
    while (!storage.exists(existing.toString())
        && existing.getParent() != null
        && !existing.getParent().toString().isEmpty()) {
      existing = existing.getParent();
    }
    String place = existing.toString();
    if (storage.exists(place) && !storage.isDirectory(place)) {
      add(
          ErrorCode.INPUT_NOT_FOUND,
          String.format(
              "%s names %s, and %s is a file: name a directory.", option, directory, place));
      return;
    }
    if (!storage.exists(place)) {
      // A relative path of one name, or a bucket's root: nothing above it to try on.
      place = existing.isAbsolute() ? place : ".";
    }
    String probe = Storage.join(place, ".plumbline-probe-" + UUID.randomUUID());
    try {
      storage.createExclusively(probe, "");
      storage.delete(probe);
    } catch (PlumblineException e) {
      add(
          e.code(),
          String.format(
              "%s names %s, which cannot be written: %s", option, directory, e.getMessage()));
    }
  }

  private void disk(TrainingRequest request, ModelDirectory model) {
    OptionalLong free = storage.freeBytes(request.files().output());
    if (free.isEmpty()) {
      return;
    }
    long needed = bytesNeeded(request, model);
    if (free.getAsLong() < needed) {
      add(
          ErrorCode.CLUSTER_UNFIT,
          String.format(
              Locale.ROOT,
              "The disk of %s has %s free, and the checkpoint with %d training states takes about"
                  + " %s: free some, name another --output, or lower --keep-checkpoints.",
              request.files().output(),
              size(free.getAsLong()),
              request.saving().keepCheckpoints(),
              size(needed)));
    }
  }

  /**
   * The checkpoint, the states that are kept, and the one that is written before one is deleted.
   */
  private long bytesNeeded(TrainingRequest request, ModelDirectory model) {
    long parameters = trained(storage, request, model);
    if (request.objective().criticStart().isPresent()) {
      parameters *= 2;
    }
    int saved =
        switch (request.cluster().saveDtype()) {
          case F32 -> 4;
          case F16, BF16 -> 2;
        };
    long states = request.saving().saveSteps() > 0 ? request.saving().keepCheckpoints() + 1L : 1L;
    // Values and moments, in f32.
    long stateBytes = (1L + request.optimizer().savedMoments()) * Float.BYTES;
    return Math.multiplyExact(parameters, saved + states * stateBytes);
  }

  /** Parameters that are trained, without a critic's. */
  static long trained(Storage storage, TrainingRequest request, ModelDirectory model) {
    LoraSettings lora = request.lora();
    if (lora.continues()) {
      return Adapter.open(storage, lora.adapter()).parameters();
    }
    if (lora.trainsAdapter()) {
      return request.algorithm().modelUse().check(model, lora);
    }
    return model.parameters();
  }

  static String size(long bytes) {
    return bytes >= 1L << 30
        ? String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30))
        : String.format(Locale.ROOT, "%.0f MiB", Math.ceil(bytes / (double) (1L << 20)));
  }
}
