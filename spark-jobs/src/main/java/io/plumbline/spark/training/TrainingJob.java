package io.plumbline.spark.training;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.checkpoint.TrainingStateStore;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.Gang;
import io.plumbline.spark.gang.StopRequest;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.Filled;
import io.plumbline.spark.reference.ReferenceCache;
import io.plumbline.spark.reference.ReferenceSettings;
import io.plumbline.spark.run.HeldOutput;
import io.plumbline.spark.run.MetricsFile;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.tracking.RunTracking;
import io.plumbline.spark.training.rank.RankMessage;
import io.plumbline.spark.training.rank.RankSettings;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.LoopSettings;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/**
 * A training command from data to checkpoint: prepare the rows, fill the reference cache with what
 * it lacks, write canonical shards, train a gang on them, report.
 */
public final class TrainingJob {
  private final SparkSession spark;
  private final TrainingRequest request;
  private final Map<String, Object> standardOptions;
  private final Optional<Repetition> repetition;
  private final RunTracking tracking;
  private final RunRecording recording;
  private final ProgressListener progress;
  private final HeldOutput claim;
  private final Storage storage;
  private final RunDirectory run;
  private final StopRequest stop;

  private TrainingJob(
      SparkSession spark,
      HeldOutput claim,
      TrainingRequest request,
      Map<String, Object> standardOptions,
      Optional<Repetition> repetition,
      RunTracking tracking,
      StopRequest stop) {
    this.spark = spark;
    this.claim = claim;
    this.storage = claim.storage();
    this.request = request;
    this.standardOptions = standardOptions;
    this.repetition = repetition;
    this.tracking = tracking;
    this.progress = tracking.listener();
    this.stop = stop;
    this.run = new RunDirectory(request.files().output());
    this.recording = new RunRecording(claim, request, spark.version(), repetition, progress);
  }

  /**
   * Checks, prepares, fills the reference cache, trains, evaluates and reports.
   *
   * @param standardOptions options and their values where nobody gives them, which the report
   *     compares with
   */
  public static TrainingOutcome run(
      SparkSession spark,
      TrainingRequest request,
      Map<String, Object> standardOptions,
      ProgressListener progress) {
    return run(spark, request, standardOptions, new StopRequest(), progress);
  }

  /**
   * Does what {@link #run(SparkSession, TrainingRequest, Map, ProgressListener)} does until it is
   * asked to stop.
   *
   * @throws PlumblineException INTERRUPTED where training ended before its last step, with its
   *     state saved
   */
  public static TrainingOutcome run(
      SparkSession spark,
      TrainingRequest request,
      Map<String, Object> standardOptions,
      StopRequest stop,
      ProgressListener progress) {
    return run(spark, request, standardOptions, Optional.empty(), stop, progress);
  }

  /**
   * Runs what another run was.
   *
   * @throws PlumblineException BAD_DATA where the model or the data is not what it was, and must be
   */
  public static TrainingOutcome repeat(
      SparkSession spark,
      TrainingRequest request,
      Map<String, Object> standardOptions,
      Repetition repetition,
      StopRequest stop,
      ProgressListener progress) {
    return run(spark, request, standardOptions, Optional.of(repetition), stop, progress);
  }

  private static TrainingOutcome run(
      SparkSession spark,
      TrainingRequest asked,
      Map<String, Object> standardOptions,
      Optional<Repetition> repetition,
      StopRequest stop,
      ProgressListener progress) {
    Storage storage = Storage.of(spark.sparkContext().hadoopConfiguration());
    TrainingRequest request = TemplateDate.taken(storage, asked);
    Preflight.require(spark, request, storage, stop, progress::note);
    ModelDirectory model = request.openModel(storage);
    request.objective().notices(storage, model).forEach(progress::note);
    AdapterNotice.of(request, model).ifPresent(progress::note);
    RankMemory.of(spark.sparkContext().getConf(), storage, request, model)
        .doubt()
        .ifPresent(progress::note);
    try (OutputClaim claim =
            OutputClaim.take(
                storage, request.files().output(), request.saving().start(), progress::note);
        RunTracking tracking =
            RunTracking.of(storage, request.files().output(), request.tracking(), progress);
        TimeLimit limit = TimeLimit.of(request.saving().maxHours(), stop)) {
      TrainingJob job =
          new TrainingJob(
              spark, claim.held(), request, standardOptions, repetition, tracking, stop);
      return job.recording.during(() -> job.train(model));
    }
  }

  private TrainingOutcome train(ModelDirectory model) {
    RunTemplates.unread(model).ifPresent(progress::note);
    model
        .adapter()
        .filter(adapter -> request.lora().continues())
        .ifPresent(adapter -> adapter.copyTo(storage, run.start(), request.files().model()));
    recording.read("model", model.soundFingerprint());
    RunTemplates.fingerprint(model).ifPresent(hex -> recording.read(RunTemplates.TEMPLATE, hex));
    request
        .objective()
        .models()
        .forEach(
            (name, path) ->
                recording.read(name, ModelDirectory.open(storage, path).soundFingerprint()));

    TrainingRows rows =
        new TrainingRows(
            spark, storage, TrainingRows.Settings.of(request), progress, recording::read);
    TrainingRows.Made data = rows.make(model);
    Plan plan = plan(data.rows().count());
    recording.read(RunIdentity.TRAINING_ROWS, data.rows().fingerprint());
    Optional<Runnable> sideRows = sideRows(model, plan);
    recording.identify();
    Optional<TrainingRows.Addition> reference = reference(data, plan);
    CanonicalShards shards = rows.writeTrain(data, plan, request.batch().order(), reference);
    rows.writeHeld(data, request.cluster().ranks(), reference);
    sideRows.ifPresent(Runnable::run);
    recording.write();
    if (request.saving().start() == Start.RESUME) {
      tracking.resume(recording.record());
    } else {
      tracking.begin(recording.record());
    }
    Culprits culprits = new Culprits();
    // Side rows have numbers of their own, which would name innocent prompts.
    Supplier<String> places =
        sideRows.isEmpty()
            ? () -> culprits.sentence(named -> rows.places(data, model, named))
            : () -> "";
    TrainingTask.Start start =
        new TrainingTask.Start(startPath(), model.tokenizerFiles().rendering());
    LoopOutcome outcome = train(start, plan, data.held().isPresent(), culprits, places);
    if (outcome.isInterrupted()) {
      throw new PlumblineException(
          ErrorCode.INTERRUPTED,
          String.format(
              Locale.ROOT,
              "Training was stopped by %s after step %,d of %,d, and its state is saved: continue by"
                  + " the same call with --resume.",
              stop.reason().orElse("a request"),
              outcome.lastStep(),
              steps(plan)));
    }
    String culpritsStandAt = places.get();
    if (!culpritsStandAt.isEmpty()) {
      progress.note(culpritsStandAt);
    }
    TrainingOutcome.Steps steps =
        new TrainingOutcome.Steps(
            outcome.lastStep(), steps(plan), request.saving().selection().metric(), outcome.best());
    claim.require();
    String checkpoint = ModelDirectory.open(storage, run.checkpoint()).fingerprint();
    recording.add(known -> known.withFingerprint("checkpoint", checkpoint));
    repetition
        .flatMap(repeated -> repeated.difference(recording.record()))
        .ifPresent(progress::note);
    List<Map<String, Double>> metrics = MetricsFile.read(storage, run.metrics());
    Map<String, Double> before = evaluation(metrics, 0);
    Map<String, Double> after = evaluation(metrics, outcome.best().orElse(outcome.lastStep()));
    recording.add(known -> withResults(known, steps, before, after));
    RolloutSamples rollouts =
        request.algorithm().rollsOut()
            ? RolloutSamples.of(storage, run.ledger())
            : RolloutSamples.NONE;
    RunReport.write(
        storage,
        run,
        request,
        recording.record(),
        metrics,
        before,
        after,
        data.prepared(),
        shards,
        culpritsStandAt,
        rollouts,
        standardOptions);
    return new TrainingOutcome(
        new TrainingOutcome.Files(
            run.checkpoint(),
            run.metrics(),
            run.report(),
            run.runRecord(),
            request.algorithm().rollsOut() ? Optional.of(run.ledger()) : Optional.empty()),
        steps,
        before,
        after,
        rollouts.ofLastPhase());
  }

  private static RunRecord withResults(
      RunRecord record,
      TrainingOutcome.Steps steps,
      Map<String, Double> before,
      Map<String, Double> after) {
    RunRecord with =
        record.withCount("steps", steps.done()).withCount("planned_steps", steps.planned());
    if (steps.best().isPresent()) {
      with = with.withCount("best_step", steps.best().getAsLong());
    }
    for (Map.Entry<String, Double> measure : before.entrySet()) {
      with = with.withResult("before/" + measure.getKey(), measure.getValue());
    }
    for (Map.Entry<String, Double> measure : after.entrySet()) {
      with = with.withResult("after/" + measure.getKey(), measure.getValue());
    }
    return with;
  }

  /** Reads the rows that every update learns besides, where there are any; what writes them. */
  private Optional<Runnable> sideRows(ModelDirectory model, Plan prompts) {
    return request
        .objective()
        .sideRows()
        .map(
            side -> {
              TrainingRows rows =
                  new TrainingRows(
                      spark,
                      storage,
                      TrainingRows.Settings.of(side, request),
                      side.name(),
                      progress,
                      recording::read);
              TrainingRows.Made made = rows.makeBesideOthers(model);
              Plan plan =
                  Plan.forSteps(
                      request.batch().globalBatchSize(),
                      made.rows().count(),
                      steps(prompts),
                      request.batch().seed());
              return () ->
                  rows.writeTrain(made, plan, CanonicalShards.Order.SHUFFLED, Optional.empty());
            });
  }

  /** Trains; a failure that is due to rows says where they stand in the data. */
  private LoopOutcome train(
      TrainingTask.Start start,
      Plan plan,
      boolean evaluated,
      Culprits culprits,
      Supplier<String> places) {
    try {
      String result = recording.timed("train", () -> gang(start, plan, evaluated, culprits));
      recording.add(known -> known.withEnvironment(TrainingTask.environment(result)));
      return TrainingTask.outcome(result);
    } catch (PlumblineException e) {
      String where = "";
      try {
        where = e.code() == ErrorCode.NUMERICS ? places.get() : "";
      } catch (PlumblineException unread) {
        e.addSuppressed(unread);
      }
      throw where.isEmpty() ? e : new PlumblineException(e.code(), e.getMessage() + " " + where, e);
    }
  }

  /**
   * Fills the reference cache for the rows that the run comes to, where the algorithm has a
   * reference at all.
   */
  private Optional<TrainingRows.Addition> reference(TrainingRows.Made data, Plan plan) {
    if (!request.objective().needsReference()) {
      return Optional.empty();
    }
    JavaRDD<TokenizedRow> wanted =
        data.reached(plan, request.batch().order()).persist(StorageLevel.MEMORY_AND_DISK());
    try {
      Filled filled =
          recording.timed(
              "reference",
              () ->
                  ReferenceCache.fill(
                      spark,
                      storage,
                      wanted,
                      startPath(),
                      ReferenceSettings.of(referenceCache(), request.cluster().computeDtype())
                          .withHeld(request.lora().baseDtype())
                          .withDevice(request.cluster().device())
                          .withTokensPerBatch(request.batch().microBatchTokens()),
                      progress));
      String fingerprint = filled.referenceFingerprint();
      recording.read("reference", fingerprint);
      recording.add(
          known ->
              known
                  .withCount("reference.computed", filled.computed())
                  .withCount("reference.found", filled.found()));
      return Optional.of(
          new TrainingRows.Addition(
              fingerprint,
              to -> ReferenceCache.join(spark, storage, to, referenceCache(), fingerprint)));
    } finally {
      wanted.unpersist();
    }
  }

  /** The directory of the model at the start. */
  private String startPath() {
    return request.lora().continues() ? run.start() : request.files().model();
  }

  private String referenceCache() {
    return request.files().referenceCache().orElse(run.referenceCache());
  }

  private Plan plan(long rows) {
    return request.rollouts().isPresent()
        ? RolloutPlan.of(request, request.rollouts().get(), rows)
        : TrainingRows.plan(
            request.batch().globalBatchSize(),
            rows,
            request.batch().maxSteps(),
            request.batch().epochs(),
            request.batch().seed());
  }

  /** Steps of the run that the plan's batches make. */
  private long steps(Plan plan) {
    return request
        .rollouts()
        .map(settings -> RolloutPlan.steps(settings, plan))
        .orElse(plan.steps());
  }

  private String gang(TrainingTask.Start model, Plan plan, boolean evaluated, Culprits culprits) {
    LoopSettings loop =
        new LoopSettings(
            request.optimizer(),
            LoopSettings.OptionalMicroBatchSize.of(request.batch().microBatchSize()),
            request.batch().microBatchTokens(),
            request.saving().evalSteps(),
            request.saving().saveSteps(),
            request.saving().keepCheckpoints(),
            request.saving().badSteps(),
            request.saving().selection(),
            request.batch().activations());
    Duration deadline = request.cluster().restarts().collectiveDeadline().duration();
    TrainingTask task =
        new TrainingTask(
            storage,
            run,
            claim,
            model,
            request.objective(),
            evaluated,
            new RankSettings(
                request.batch().globalBatchSize(),
                request.cluster().computeDtype(),
                request.cluster().saved(),
                request.batch().seed(),
                request.lora(),
                loop,
                deadline),
            threads(),
            request.cluster().device());
    progress.stageStarted("train", steps(plan), "steps");
    long start = System.nanoTime();
    String result =
        Gang.run(
            spark,
            new Gang.Settings(request.cluster().ranks(), deadline),
            request.cluster().restarts().endurance(request.cluster().ranks()),
            new RunJournal(TrainingStateStore.of(storage, run.states()), recording, progress),
            stop,
            task,
            line -> hear(RankMessage.read(line), steps(plan), culprits));
    recording.add(known -> known.withRanks(TrainingTask.ranks(result)));
    progress.stageFinished(
        "train",
        String.format(
            Locale.ROOT,
            "%,d steps, %,.1f s",
            TrainingTask.outcome(result).lastStep(),
            (System.nanoTime() - start) / 1e9));
    return result;
  }

  private void hear(RankMessage message, long steps, Culprits culprits) {
    if (message instanceof RankMessage.Metrics metrics) {
      progress.step(metrics.line().get("step").longValue(), steps, metrics.line());
    } else if (message instanceof RankMessage.Note note) {
      progress.note(note.sentence());
      recording.addAndWrite(known -> known.withNote(note.sentence()));
    } else if (message instanceof RankMessage.Evaluated evaluated) {
      progress.evaluating(evaluated.done(), evaluated.total());
    } else if (message instanceof RankMessage.BadRows bad) {
      culprits.add(bad);
    }
  }

  /** What was asked for, else the cores of a task; of this machine's, where ranks share it. */
  private int threads() {
    if (request.cluster().threadsPerRank() > 0) {
      return request.cluster().threadsPerRank();
    }
    int cpus = spark.sparkContext().getConf().getInt("spark.task.cpus", 1);
    if (spark.sparkContext().isLocal()) {
      return Math.max(cpus, Runtime.getRuntime().availableProcessors() / request.cluster().ranks());
    }
    return cpus;
  }

  private static Map<String, Double> evaluation(List<Map<String, Double>> metrics, long step) {
    return metrics.stream()
        .filter(line -> line.get("step") == step && line.containsKey("eval_runtime"))
        .reduce((first, second) -> second)
        .orElse(Map.of());
  }
}
