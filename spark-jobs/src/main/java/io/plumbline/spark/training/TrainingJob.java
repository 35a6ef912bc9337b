package io.plumbline.spark.training;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.Gang;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.reference.Filled;
import io.plumbline.spark.reference.ReferenceCache;
import io.plumbline.spark.reference.ReferenceSettings;
import io.plumbline.spark.run.MetricsFile;
import io.plumbline.spark.run.OutputClaim;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.tracking.RunTracking;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopOutcome;
import io.plumbline.train.LoopSettings;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/**
 * A training command from data to checkpoint: prepare the rows, fill the reference cache with what
 * it lacks, write canonical shards, train a gang on them, report.
 */
public final class TrainingJob {
  /** A rank waits this long for peers while nothing moves; covers saving and sampling on rank 0. */
  private static final Duration COLLECTIVE_DEADLINE = Duration.ofMinutes(15);

  private final SparkSession spark;
  private final TrainingRequest request;
  private final Map<String, Object> standardOptions;
  private final RunTracking tracking;
  private final ProgressListener progress;
  private final Storage storage;
  private final RunDirectory run;
  private RunRecord record;

  /** What this run repeats. */
  private final Optional<Repetition> repetition;

  /** The run that is in the output directory already. */
  private final Optional<EarlierRun> earlier;

  /** Fingerprints of what must be as the earlier run read it, by name. */
  private final SortedMap<String, String> held;

  /** The record of a run that this one is refused for, which stays as it was. */
  private Optional<RunRecord> refusedFor = Optional.empty();

  private TrainingJob(
      SparkSession spark,
      TrainingRequest request,
      Map<String, Object> standardOptions,
      Optional<Repetition> repetition,
      RunTracking tracking,
      Storage storage,
      Optional<EarlierRun> earlier) {
    this.spark = spark;
    this.request = request;
    this.standardOptions = standardOptions;
    this.repetition = repetition;
    this.tracking = tracking;
    this.progress = tracking.listener();
    this.storage = storage;
    this.run = new RunDirectory(request.files().output());
    this.record =
        EarlierRun.asked(request, storage)
            .withVersions(RunRecord.libraryVersions())
            .withVersion("spark", spark.version());
    this.earlier = earlier;
    RunIdentity now = RunIdentity.of(record);
    this.held = earlier.map(run -> run.held(now)).orElseGet(TreeMap::new);
    // What is held to stays until it is known to be the same: a try that fails, or is killed,
    // before it is compared must not make the next one pass.
    this.record =
        record.withIdentity(
            held.isEmpty() ? now.json() : now.reading(earlier.get().identity(), held).json());
  }

  /** Checks, prepares, fills the reference cache, trains, evaluates and reports. */
  public static TrainingOutcome run(
      SparkSession spark, TrainingRequest request, ProgressListener progress) {
    return run(spark, request, Map.of(), progress);
  }

  /**
   * Likewise.
   *
   * @param standardOptions options and their values where nobody gives them, which the report
   *     compares with
   */
  public static TrainingOutcome run(
      SparkSession spark,
      TrainingRequest request,
      Map<String, Object> standardOptions,
      ProgressListener progress) {
    return run(spark, request, standardOptions, Optional.empty(), progress);
  }

  /**
   * The same for a run that repeats another.
   *
   * @throws PlumblineException BAD_DATA where the model or the data is not what it was, and must be
   */
  public static TrainingOutcome repeat(
      SparkSession spark,
      TrainingRequest request,
      Map<String, Object> standardOptions,
      Repetition repetition,
      ProgressListener progress) {
    return run(spark, request, standardOptions, Optional.of(repetition), progress);
  }

  private static TrainingOutcome run(
      SparkSession spark,
      TrainingRequest asked,
      Map<String, Object> standardOptions,
      Optional<Repetition> repetition,
      ProgressListener progress) {
    Storage storage = Storage.of(spark.sparkContext().hadoopConfiguration());
    TrainingRequest request = TemplateDate.taken(storage, asked);
    Preflight.require(spark, request, storage);
    ModelDirectory model = request.openModel(storage);
    request
        .rollouts()
        .ifPresent(
            rollouts -> RolloutRank.notices(rollouts, storage, model).forEach(progress::note));
    try (OutputClaim claim =
            OutputClaim.take(storage, request.files().output(), request.saving().start());
        RunTracking tracking =
            RunTracking.of(storage, request.files().output(), request.tracking(), progress)) {
      Optional<EarlierRun> earlier = EarlierRun.accepted(storage, request);
      TrainingJob job =
          new TrainingJob(spark, request, standardOptions, repetition, tracking, storage, earlier);
      job.record.write(storage, job.run.runRecord());
      try {
        TrainingOutcome outcome = job.train(model);
        job.record = job.record.completed(Instant.now());
        return outcome;
      } catch (RuntimeException e) {
        job.record = EarlierRun.failed(job.record, e);
        throw e;
      } finally {
        job.refusedFor.orElse(job.record).write(storage, job.run.runRecord());
      }
    }
  }

  private TrainingOutcome train(ModelDirectory model) {
    RunTemplates.unread(model).ifPresent(progress::note);
    fingerprint("model", model.soundFingerprint());
    RunTemplates.fingerprint(model).ifPresent(hex -> fingerprint(RunTemplates.TEMPLATE, hex));
    request
        .rollouts()
        .flatMap(RolloutSettings::withCritic)
        .map(ppo -> ppo.critic().model())
        .filter(start -> !start.isEmpty())
        .ifPresent(
            critic ->
                fingerprint("critic", ModelDirectory.open(storage, critic).soundFingerprint()));
    request
        .rollouts()
        .ifPresent(
            rollouts ->
                ScoringModels.of(rollouts)
                    .forEach(
                        (name, path) ->
                            fingerprint(
                                name, ModelDirectory.open(storage, path).soundFingerprint())));

    TrainingRows rows =
        new TrainingRows(spark, storage, TrainingRows.Settings.of(request), progress, this::note);
    TrainingRows.Made data = rows.make(model);
    Plan plan = plan(data.rows().count());
    fingerprint(RunIdentity.TRAINING_ROWS, data.rows().fingerprint());
    Optional<Runnable> pretraining = pretraining(model, plan);
    identify();
    Optional<TrainingRows.Addition> reference = reference(data, plan);
    CanonicalShards shards = rows.writeTrain(data, plan, request.batch().order(), reference);
    rows.writeHeld(data, request.cluster().ranks(), reference);
    pretraining.ifPresent(Runnable::run);
    record.write(storage, run.runRecord());
    if (request.saving().start() == Start.RESUME) {
      tracking.goOn(record);
    } else {
      tracking.begin(record);
    }
    Culprits culprits = new Culprits();
    // Pretraining rows have numbers of their own, which would name innocent prompts.
    Supplier<String> places =
        pretraining.isEmpty()
            ? () -> culprits.sentence(named -> rows.places(data, model, named))
            : () -> "";
    TrainingTask.Start start =
        new TrainingTask.Start(request.files().model(), model.tokenizerFiles().rendering());
    LoopOutcome outcome = train(start, plan, data.held().isPresent(), culprits, places);
    String culpritsStandAt = places.get();
    if (!culpritsStandAt.isEmpty()) {
      progress.note(culpritsStandAt);
    }
    record =
        record.withFingerprint(
            "checkpoint", ModelDirectory.open(storage, run.checkpoint()).fingerprint());
    repetition.flatMap(of -> of.difference(record)).ifPresent(progress::note);
    record = record.withCount("steps", outcome.lastStep()).withCount("planned_steps", steps(plan));
    outcome.best().ifPresent(step -> record = record.withCount("best_step", step));
    List<Map<String, Double>> metrics = MetricsFile.read(storage, run.metrics());
    Map<String, Double> before = evaluation(metrics, 0);
    Map<String, Double> after = evaluation(metrics, outcome.best().orElse(outcome.lastStep()));
    before.forEach((name, value) -> record = record.withResult("before/" + name, value));
    after.forEach((name, value) -> record = record.withResult("after/" + name, value));
    RolloutSamples rollouts =
        request.algorithm().isOnline()
            ? RolloutSamples.of(storage, run.ledger())
            : RolloutSamples.NONE;
    RunReport.write(
        storage,
        run,
        request,
        record,
        metrics,
        before,
        after,
        data.prepared(),
        shards,
        culpritsStandAt,
        rollouts,
        standardOptions);
    return new TrainingOutcome(
        run.checkpoint(),
        run.metrics(),
        run.report(),
        run.runRecord(),
        request.algorithm().isOnline() ? Optional.of(run.ledger()) : Optional.empty(),
        rollouts.ofLastPhase(),
        outcome.lastStep(),
        steps(plan),
        request.saving().selection().metric(),
        outcome.best(),
        before,
        after);
  }

  /** Reads pretraining rows, where the run mixes them in every update; what writes their shards. */
  private Optional<Runnable> pretraining(ModelDirectory model, Plan prompts) {
    return request
        .rollouts()
        .flatMap(RolloutSettings::withCritic)
        .map(PpoRunSettings::pretraining)
        .filter(PpoRunSettings.Pretraining::mixes)
        .map(
            mixed -> {
              TrainingRows rows =
                  new TrainingRows(
                      spark,
                      storage,
                      TrainingRows.pretraining(request, mixed),
                      RolloutRank.PRETRAINING,
                      progress,
                      this::note);
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

  /** Writes down what the run is, once all that it reads is known and as it must be. */
  private void identify() {
    RunIdentity identity = RunIdentity.of(record).withFiles(InputFiles.of(storage, request));
    record = record.withIdentity(identity.json()).withFingerprint("run", identity.fingerprint());
    record.write(storage, run.runRecord());
  }

  private void fingerprint(String name, String hex) {
    note(run -> run.withFingerprint(name, hex));
  }

  /**
   * Notes what becomes known of the run; where it repeats another, an input must be what it was.
   */
  private void note(UnaryOperator<RunRecord> change) {
    RunRecord before = record;
    record = change.apply(before);
    record
        .fingerprints()
        .forEach(
            (name, hex) -> {
              if (!before.fingerprint(name).equals(Optional.of(hex))) {
                requireHeld(name, hex);
                repetition.ifPresent(of -> of.check(name, hex, progress));
              }
            });
  }

  private void requireHeld(String name, String hex) {
    if (hex.equals(held.getOrDefault(name, hex))) {
      return;
    }
    refusedFor = earlier.map(EarlierRun::record);
    throw new PlumblineException(
        ErrorCode.OUTPUT_IN_USE,
        earlier
            .orElseThrow()
            .refusalOf(
                name,
                RunIdentity.of(record).withFiles(InputFiles.of(storage, request)),
                request.saving().start()));
  }

  /** Trains; a failure that is due to rows says where they stand in the data. */
  private LoopOutcome train(
      TrainingTask.Start start,
      Plan plan,
      boolean evaluated,
      Culprits culprits,
      Supplier<String> places) {
    try {
      String result = timed("train", () -> gang(start, plan, evaluated, culprits));
      record = record.withEnvironment(TrainingTask.environment(result));
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
    if (!Methods.needsReference(request.objective())) {
      return Optional.empty();
    }
    JavaRDD<TokenizedRow> wanted =
        data.reached(plan, request.batch().order()).persist(StorageLevel.MEMORY_AND_DISK());
    try {
      Filled filled =
          timed(
              "reference",
              () ->
                  ReferenceCache.fill(
                      spark,
                      storage,
                      wanted,
                      request.files().model(),
                      ReferenceSettings.of(referenceCache(), request.cluster().computeDtype())
                          .withDevice(request.cluster().device())
                          .withTokensPerBatch(request.batch().microBatchTokens()),
                      progress));
      fingerprint("reference", filled.referenceFingerprint());
      record =
          record
              .withCount("reference.computed", filled.computed())
              .withCount("reference.found", filled.found());
      String fingerprint = filled.referenceFingerprint();
      return Optional.of(
          new TrainingRows.Addition(
              fingerprint,
              to -> ReferenceCache.join(spark, storage, to, referenceCache(), fingerprint)));
    } finally {
      wanted.unpersist();
    }
  }

  private String referenceCache() {
    return request.files().referenceCache().orElse(run.referenceCache());
  }

  private Plan plan(long rows) {
    Plan plan =
        request.rollouts().isPresent()
            ? RolloutPlan.of(request, request.rollouts().get(), rows)
            : TrainingRows.plan(
                request.batch().globalBatchSize(),
                rows,
                request.batch().maxSteps(),
                request.batch().epochs(),
                request.batch().seed());
    if (plan.shards() < request.cluster().ranks()) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          String.format(
              Locale.ROOT,
              "A global batch of %d rows is split over %d canonical shards, too few for %d ranks:"
                  + " take a larger --global-batch-size or fewer --ranks.",
              plan.globalBatchSize(),
              plan.shards(),
              request.cluster().ranks()));
    }
    return plan;
  }

  /** Steps of the run that the plan's batches make. */
  private long steps(Plan plan) {
    return request.rollouts().map(of -> RolloutPlan.steps(of, plan)).orElse(plan.steps());
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
            request.saving().selection());
    TrainingTask task =
        new TrainingTask(
            storage,
            run,
            model,
            request.objective(),
            request.batch().globalBatchSize(),
            request.cluster().computeDtype(),
            request.cluster().saveDtype(),
            request.batch().seed(),
            threads(),
            request.cluster().device(),
            evaluated,
            loop,
            COLLECTIVE_DEADLINE);
    progress.stageStarted("train", steps(plan), "steps");
    long start = System.nanoTime();
    String result =
        Gang.run(
            spark,
            new Gang.Settings(request.cluster().ranks(), COLLECTIVE_DEADLINE),
            task,
            line -> hear(RankMessage.read(line), steps(plan), culprits));
    record = record.withRanks(TrainingTask.ranks(result));
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

  private <T> T timed(String stage, Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    record = record.withTiming(stage, Duration.ofNanos(System.nanoTime() - start));
    return result;
  }
}
