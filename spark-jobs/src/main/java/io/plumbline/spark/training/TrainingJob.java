package io.plumbline.spark.training;

import io.plumbline.checkpoint.Fingerprint;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.Gang;
import io.plumbline.spark.prepare.BadRowLimit;
import io.plumbline.spark.prepare.Prepare;
import io.plumbline.spark.prepare.PrepareSettings;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.prepare.ShardWriting;
import io.plumbline.spark.reference.Filled;
import io.plumbline.spark.reference.ReferenceCache;
import io.plumbline.spark.reference.ReferenceSettings;
import io.plumbline.spark.report.MetricsFile;
import io.plumbline.spark.tracking.ProgressListener;
import io.plumbline.storage.Storage;
import io.plumbline.train.LoopSettings;
import java.time.Duration;
import java.time.Instant;
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
  /** Held-out rows a step of evaluation: only how they are split over shards depends on it. */
  private static final int EVAL_BATCH = 64;

  /** A rank waits this long for peers while nothing moves; covers saving and sampling on rank 0. */
  private static final Duration COLLECTIVE_DEADLINE = Duration.ofMinutes(15);

  private final SparkSession spark;
  private final TrainingRequest request;
  private final ProgressListener progress;
  private final Storage storage;
  private final RunDirectory run;
  private RunRecord record;

  private TrainingJob(
      SparkSession spark, TrainingRequest request, ProgressListener progress, Storage storage) {
    this.spark = spark;
    this.request = request;
    this.progress = progress;
    this.storage = storage;
    this.run = new RunDirectory(request.output());
    this.record =
        RunRecord.started(request.algorithm().command(), Instant.now())
            .withConfiguration(RequestText.of(request))
            .withSeed(request.seed())
            .withVersions(RunRecord.libraryVersions())
            .withVersion("spark", spark.version());
  }

  /** Checks, prepares, fills the reference cache, trains, evaluates and reports. */
  public static TrainingOutcome run(
      SparkSession spark, TrainingRequest request, ProgressListener progress) {
    Storage storage = Storage.of(spark.sparkContext().hadoopConfiguration());
    Preflight.require(spark, request, storage);
    try (OutputClaim claim = OutputClaim.take(storage, request.output(), request.start())) {
      TrainingJob job = new TrainingJob(spark, request, progress, storage);
      Optional<RunRecord> earlier = job.earlierRun();
      job.record.write(storage, job.run.runRecord());
      try {
        TrainingOutcome outcome = job.train(earlier);
        job.record = job.record.completed(Instant.now());
        return outcome;
      } catch (RuntimeException e) {
        job.record = job.record.failed(Instant.now(), String.valueOf(e.getMessage()));
        throw e;
      } finally {
        job.record.write(storage, job.run.runRecord());
      }
    }
  }

  private TrainingOutcome train(Optional<RunRecord> earlier) {
    ModelDirectory model = ModelDirectory.open(storage, request.model());
    record = record.withFingerprint("model", model.fingerprint());

    Prepared rows = prepare("train", request.data(), model);
    Optional<Prepared> heldRows =
        request.evalData().isEmpty()
            ? Optional.empty()
            : Optional.of(prepare("eval", request.evalData(), model));

    Optional<String> reference = reference(rows, heldRows);
    Plan plan = plan(rows.counts().accepted());
    CanonicalShards shards = shards("train", rows, plan, order(), reference);
    heldRows.ifPresent(
        held ->
            shards(
                "eval",
                held,
                Plan.forEpochs(
                    Math.max(EVAL_BATCH, request.ranks()), held.counts().accepted(), 1.0, 0),
                Order.INPUT,
                reference));

    refuseOtherRun(earlier, model, shards);
    record.write(storage, run.runRecord());
    timed("train", () -> gang(plan, heldRows.isPresent()));

    List<Map<String, Double>> metrics = MetricsFile.read(storage, run.metrics());
    Map<String, Double> before = evaluation(metrics, 0);
    Map<String, Double> after = evaluation(metrics, plan.steps());
    before.forEach((name, value) -> record = record.withResult("before/" + name, value));
    after.forEach((name, value) -> record = record.withResult("after/" + name, value));
    RunReport.write(storage, run, request, record, metrics, before, after, rows);
    return new TrainingOutcome(
        run.checkpoint(),
        run.metrics(),
        run.report(),
        run.runRecord(),
        plan.steps(),
        before,
        after);
  }

  private Prepared prepare(String name, List<String> paths, ModelDirectory model) {
    ExampleKind kind =
        switch (request.algorithm()) {
          case DPO -> ExampleKind.PREFERENCE;
          case SFT ->
              request.supervisedOn() == TrainingRequest.SupervisedOn.CHOSEN
                  ? ExampleKind.SUPERVISED_FROM_CHOSEN
                  : ExampleKind.SUPERVISED;
        };
    LengthLimits limits =
        new LengthLimits(
            request.maxLength().orElse(0),
            request.maxPromptLength().orElse(0),
            switch (request.truncation()) {
              case KEEP_START -> LengthLimits.Truncation.KEEP_START;
              case KEEP_END -> LengthLimits.Truncation.KEEP_END;
              case REFUSE -> LengthLimits.Truncation.OFF;
            });
    BadRowLimit badRows =
        request.badRows().atMost().isPresent()
            ? new BadRowLimit(request.badRows().atMost().getAsLong(), 0)
            : new BadRowLimit(-1, request.badRows().atMostShare());
    PrepareSettings settings =
        PrepareSettings.of(paths, kind, request.output())
            .named(name)
            .withLimits(limits)
            .withBadRows(badRows);
    String stage = "prepare " + name;
    boolean[] announced = {false};
    Prepared prepared =
        timed(
            stage,
            () ->
                Prepare.run(
                    spark,
                    storage,
                    settings,
                    model.tokenizerFiles(),
                    (done, parts, read) -> {
                      if (!announced[0]) {
                        announced[0] = true;
                        progress.stageStarted(stage, parts, "parts");
                      }
                      progress.stageAdvanced(stage, done);
                    }));
    String summary =
        String.format(
            Locale.ROOT,
            "%,d rows accepted, %,d refused, %,d tokens%s",
            prepared.counts().accepted(),
            prepared.counts().refusedRows(),
            prepared.counts().tokens(),
            prepared.origin() == Prepared.Origin.FOUND ? " (prepared before)" : "");
    progress.stageFinished(stage, summary);
    prepared
        .quarantine()
        .ifPresent(
            path ->
                progress.note(
                    String.format(
                        Locale.ROOT,
                        "%,d rows of the %s data were refused; they are in %s",
                        prepared.counts().refusedRows(),
                        name,
                        path)));
    record =
        record
            .withFingerprint("data." + name, prepared.fingerprint())
            .withCount(name + ".read", prepared.counts().read())
            .withCount(name + ".accepted", prepared.counts().accepted())
            .withCount(name + ".refused", prepared.counts().refusedRows())
            .withCount(name + ".truncated", prepared.counts().truncated())
            .withCount(name + ".tokens", prepared.counts().tokens());
    return prepared;
  }

  /** Fills the reference cache for all rows, where the algorithm has a reference at all. */
  private Optional<String> reference(Prepared rows, Optional<Prepared> held) {
    if (request.algorithm() != Algorithm.DPO) {
      return Optional.empty();
    }
    JavaRDD<TokenizedRow> all = rows.rows(spark);
    if (held.isPresent()) {
      all = all.union(held.get().rows(spark));
    }
    JavaRDD<TokenizedRow> wanted = all.persist(StorageLevel.MEMORY_AND_DISK());
    try {
      Filled filled =
          timed(
              "reference",
              () ->
                  ReferenceCache.fill(
                      spark,
                      storage,
                      wanted,
                      request.model(),
                      ReferenceSettings.of(referenceCache(), request.computeDtype())
                          .withTokensPerBatch(request.microBatchTokens()),
                      progress));
      record =
          record
              .withFingerprint("reference", filled.referenceFingerprint())
              .withCount("reference.computed", filled.computed())
              .withCount("reference.found", filled.found());
      return Optional.of(filled.referenceFingerprint());
    } finally {
      wanted.unpersist();
    }
  }

  private String referenceCache() {
    return request.referenceCache().orElse(run.referenceCache());
  }

  private Plan plan(long rows) {
    Plan plan =
        request.maxSteps().isPresent()
            ? Plan.forSteps(
                request.globalBatchSize(), rows, request.maxSteps().getAsLong(), request.seed())
            : Plan.forEpochs(request.globalBatchSize(), rows, request.epochs(), request.seed());
    if (plan.shards() < request.ranks()) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          String.format(
              Locale.ROOT,
              "A global batch of %d rows is split over %d canonical shards, too few for %d ranks:"
                  + " take a larger --global-batch-size or fewer --ranks.",
              plan.globalBatchSize(),
              plan.shards(),
              request.ranks()));
    }
    return plan;
  }

  private Order order() {
    return request.rowOrder() == TrainingRequest.RowOrder.SHUFFLED ? Order.SHUFFLED : Order.INPUT;
  }

  private CanonicalShards shards(
      String split, Prepared rows, Plan plan, Order order, Optional<String> reference) {
    String content = rows.fingerprint() + reference.map(r -> "+" + r).orElse("");
    return timed(
        "shards " + split,
        () -> {
          JavaRDD<TokenizedRow> all = rows.rows(spark);
          if (reference.isPresent()) {
            all = ReferenceCache.join(spark, storage, all, referenceCache(), reference.get());
          }
          return ShardWriting.write(storage, run.shards(split), all, plan, order, content);
        });
  }

  private Optional<RunRecord> earlierRun() {
    return storage.exists(run.runRecord())
        ? Optional.of(RunRecord.read(storage, run.runRecord()))
        : Optional.empty();
  }

  /**
   * A run goes on only as what it was: whatever decides the next update must be the same. World
   * size, micro-batches and where things are kept may change.
   */
  private void refuseOtherRun(
      Optional<RunRecord> earlier, ModelDirectory model, CanonicalShards shards) {
    String identity =
        Fingerprint.of("plumbline.run.1")
            .text("algorithm", request.algorithm().command())
            .text("model", model.fingerprint())
            .text("shards", shards.fingerprint())
            .text("optimizer", request.optimizer().toString())
            .text("computeDtype", request.computeDtype().name())
            .real("beta", request.beta())
            .hex();
    Optional<String> before = earlier.flatMap(e -> e.fingerprint("run"));
    if (before.isPresent()
        && !before.get().equals(identity)
        && request.start() == TrainingRequest.Start.RESUME) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          request.output()
              + " holds a run with another "
              + RequestText.difference(earlier.get().configuration(), RequestText.of(request))
              + ", which --resume cannot go on with: give the options that it was started with, or"
              + " another --output.");
    }
    record = record.withFingerprint("run", identity);
  }

  private String gang(Plan plan, boolean evaluated) {
    LoopSettings loop =
        new LoopSettings(
            request.optimizer(),
            LoopSettings.OptionalMicroBatchSize.of(request.microBatchSize()),
            request.microBatchTokens(),
            request.evalSteps(),
            request.saveSteps(),
            request.keepCheckpoints());
    TrainingTask task =
        new TrainingTask(
            storage,
            run,
            request.model(),
            request.algorithm(),
            request.beta(),
            request.computeDtype(),
            request.saveDtype(),
            threads(),
            evaluated,
            loop,
            COLLECTIVE_DEADLINE);
    progress.stageStarted("train", plan.steps(), "steps");
    long start = System.nanoTime();
    String result =
        Gang.run(
            spark,
            new Gang.Settings(request.ranks(), COLLECTIVE_DEADLINE),
            task,
            line -> {
              Map<String, Double> metrics = MetricLine.read(line);
              progress.step(metrics.get("step").longValue(), plan.steps(), metrics);
            });
    progress.stageFinished(
        "train",
        String.format(
            Locale.ROOT, "%,d steps, %,.1f s", plan.steps(), (System.nanoTime() - start) / 1e9));
    return result;
  }

  /** What was asked for, else the cores of a task; of this machine's, where ranks share it. */
  private int threads() {
    if (request.threadsPerRank() > 0) {
      return request.threadsPerRank();
    }
    int cpus = spark.sparkContext().getConf().getInt("spark.task.cpus", 1);
    if (spark.sparkContext().isLocal()) {
      return Math.max(cpus, Runtime.getRuntime().availableProcessors() / request.ranks());
    }
    return cpus;
  }

  private static Map<String, Double> evaluation(List<Map<String, Double>> metrics, long step) {
    return metrics.stream()
        .filter(line -> line.get("step") == step && line.containsKey("eval_loss"))
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
