package io.plumbline.spark.training;

import io.plumbline.base.CountOrShare;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.RunRecord;
import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.ColumnNames;
import io.plumbline.data.ExampleKind;
import io.plumbline.data.LengthLimits;
import io.plumbline.data.Mixture;
import io.plumbline.data.RowReading;
import io.plumbline.data.TokenizedRow;
import io.plumbline.spark.inference.ModelTokenizer;
import io.plumbline.spark.prepare.EvalSplit;
import io.plumbline.spark.prepare.Overlap;
import io.plumbline.spark.prepare.Prepare;
import io.plumbline.spark.prepare.PrepareListener;
import io.plumbline.spark.prepare.PrepareSettings;
import io.plumbline.spark.prepare.Prepared;
import io.plumbline.spark.prepare.PreparedCounts;
import io.plumbline.spark.prepare.RowSet;
import io.plumbline.spark.prepare.ShardWriting;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.progress.ProgressListener.Amount;
import io.plumbline.spark.run.RunDirectory;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.source.SparkSources;
import io.plumbline.spark.training.algorithm.AlgorithmSettings;
import io.plumbline.spark.training.algorithm.RowForm;
import io.plumbline.spark.training.algorithm.RowForm.Completions;
import io.plumbline.spark.training.algorithm.RowForm.Packing;
import io.plumbline.spark.training.algorithm.SideRows;
import io.plumbline.storage.Storage;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.SparkSession;

/**
 * The rows of a run, from what the user names to canonical shards. Training commands, {@code
 * prepare} and {@code reference} all go this way, so each finds what another has made with the same
 * settings.
 */
public final class TrainingRows {
  /** Held-out rows a step of evaluation: only how they are split over shards depends on it. */
  private static final int EVAL_BATCH = 64;

  /** How sources that are not files are read. */
  public enum SourceReading {
    ANEW,
    /** The snapshot that was taken before, where there is one. */
    AS_BEFORE
  }

  /**
   * Where rows come from.
   *
   * @param data files, tables and queries with training rows
   * @param weights a weight for each of them; empty for every row once an epoch
   * @param evalData held-out rows; empty for none
   * @param evalSplit how much of the training rows is held out; not beside {@code evalData}
   */
  public record Sources(
      List<String> data,
      List<Double> weights,
      List<String> evalData,
      Optional<EvalSplit> evalSplit,
      SourceReading reading) {}

  /**
   * What decides the rows.
   *
   * @param reading what the rows are to become, and how they are read
   * @param form what becomes of them then
   * @param seed decides the split
   * @param output the run's directory
   */
  public record Settings(
      RowReading reading,
      RowForm form,
      Sources sources,
      LengthLimits limits,
      CountOrShare badRows,
      long seed,
      String output) {
    static Settings of(TrainingRequest request) {
      FileSettings files = request.files();
      AlgorithmSettings objective = request.objective();
      return new Settings(
          new RowReading(
              objective.rowKind(),
              ColumnNames.parse(files.columns()),
              files.desirableFrom().orElse(Double.NaN),
              objective.margins()),
          objective.rowForm(),
          new Sources(
              files.sources(),
              files.weights(),
              files.evalData(),
              files.evalSplit(),
              reading(request)),
          request.lengths().limits(),
          request.lengths().badRows(),
          request.batch().seed(),
          files.output());
    }

    /** Rows that a request's updates learn besides. */
    static Settings of(SideRows rows, TrainingRequest request) {
      return new Settings(
          RowReading.of(ExampleKind.SUPERVISED),
          RowForm.PLAIN,
          new Sources(rows.data(), List.of(), List.of(), Optional.empty(), reading(request)),
          new LengthLimits(rows.maxLength(), 0, LengthLimits.Truncation.KEEP_START),
          request.lengths().badRows(),
          request.batch().seed(),
          request.files().output());
    }

    private static SourceReading reading(TrainingRequest request) {
      return request.saving().start() == Start.RESUME
          ? SourceReading.AS_BEFORE
          : SourceReading.ANEW;
    }
  }

  /**
   * Rows that are ready for reference and training.
   *
   * @param preparing how the training data was prepared
   * @param prepared the training data as it was prepared
   * @param preparedHeld the same of held-out data, where that was given
   * @param mixture of several sources with weights
   * @param held rows to evaluate on
   */
  public record Made(
      PrepareSettings preparing,
      Prepared prepared,
      Optional<Prepared> preparedHeld,
      RowSet rows,
      Optional<Mixture> mixture,
      Optional<RowSet> held) {
    /** All rows, to train on and held out. */
    public JavaRDD<TokenizedRow> all() {
      return withHeld(rows.rows());
    }

    /** Rows that a run comes to, and those held out. */
    JavaRDD<TokenizedRow> reached(Plan plan, Order order) {
      return withHeld(ShardWriting.reached(rows.rows(), plan, order, mixture));
    }

    private JavaRDD<TokenizedRow> withHeld(JavaRDD<TokenizedRow> trainedOn) {
      return held.isPresent() ? trainedOn.union(held.get().rows()) : trainedOn;
    }
  }

  /** What is added to rows before they are written: reference log-probabilities. */
  public record Addition(String fingerprint, UnaryOperator<JavaRDD<TokenizedRow>> joining) {}

  private final SparkSession spark;
  private final Storage storage;
  private final Settings settings;
  private final String name;
  private final ProgressListener progress;
  private final Consumer<UnaryOperator<RunRecord>> record;

  /**
   * @param record told of counts, fingerprints and timings as they become known
   */
  public TrainingRows(
      SparkSession spark,
      Storage storage,
      Settings settings,
      ProgressListener progress,
      Consumer<UnaryOperator<RunRecord>> record) {
    this(spark, storage, settings, "train", progress, record);
  }

  /**
   * The same.
   *
   * @param name of these rows among others of the run
   */
  TrainingRows(
      SparkSession spark,
      Storage storage,
      Settings settings,
      String name,
      ProgressListener progress,
      Consumer<UnaryOperator<RunRecord>> record) {
    this.spark = spark;
    this.storage = storage;
    this.settings = settings;
    this.name = name;
    this.progress = progress;
    this.record = record;
  }

  /** How a run of so many rows goes: until {@code maxSteps} where given, else by epochs. */
  public static Plan plan(
      int globalBatchSize, long rows, OptionalLong maxSteps, double epochs, long seed) {
    return maxSteps.isPresent()
        ? Plan.forSteps(globalBatchSize, rows, maxSteps.getAsLong(), seed)
        : Plan.forEpochs(globalBatchSize, rows, epochs, seed);
  }

  /** Reads, validates, tokenizes, splits and packs, or finds it done. */
  public Made make(ModelDirectory model) {
    ModelTokenizer.check(model, progress::note);
    return makeBesideOthers(model);
  }

  /** Makes rows where others of the run were made with that model's tokenizer before. */
  Made makeBesideOthers(ModelDirectory model) {
    PrepareSettings preparing = preparing(name, settings.sources().data());
    Prepared prepared = prepare(preparing, model);
    RowSet rows = RowSet.of(spark, prepared);
    Optional<Prepared> preparedHeld = Optional.empty();
    Optional<RowSet> held = Optional.empty();
    if (!settings.sources().evalData().isEmpty()) {
      preparedHeld = Optional.of(prepare(preparing("eval", settings.sources().evalData()), model));
      held = Optional.of(RowSet.of(spark, preparedHeld.get()));
      reportOverlap(Overlap.of(rows, held.get()));
    } else if (settings.sources().evalSplit().isPresent()) {
      RowSet.Split split = rows.split(settings.sources().evalSplit().get(), settings.seed());
      rows = split.train();
      held = Optional.of(split.held());
      long trained = rows.count();
      record.accept(
          run ->
              run.withCount("train.split", trained).withCount("eval.split", split.held().count()));
      progress.note(
          String.format(
              Locale.ROOT,
              "%,d rows are held out for evaluation and %,d are trained on; rows of one prompt"
                  + " stay together",
              split.held().count(),
              rows.count()));
    }
    if (settings.form().packing() == Packing.BFD) {
      long before = rows.count();
      RowSet packed = rows.packed(settings.limits().maxLength());
      rows = packed;
      record.accept(run -> run.withCount("train.packed", packed.count()));
      progress.note(
          String.format(Locale.ROOT, "%,d rows are packed into %,d", before, rows.count()));
    }
    if (settings.form().completions() == Completions.MISMATCHED) {
      int longest = settings.limits().maxLength();
      rows = rows.withMismatchedCompletions(longest);
      held = held.map(other -> other.withMismatchedCompletions(longest));
    }
    Optional<Mixture> mixture =
        settings.sources().weights().isEmpty()
            ? Optional.empty()
            : Optional.of(new Mixture(rows.sourceCounts(), settings.sources().weights()));
    return new Made(preparing, prepared, preparedHeld, rows, mixture, held);
  }

  /** Writes the shards that ranks train on, or finds them written. */
  public CanonicalShards writeTrain(
      Made made, Plan plan, Order order, Optional<Addition> addition) {
    return write(name, made.rows(), plan, order, made.mixture(), addition);
  }

  /** Writes the shards that ranks evaluate on, or finds them written; nothing without such rows. */
  public Optional<CanonicalShards> writeHeld(Made made, int ranks, Optional<Addition> addition) {
    return made.held()
        .map(
            held ->
                write(
                    "eval",
                    held,
                    Plan.forEpochs(Math.max(EVAL_BATCH, ranks), held.count(), 1.0, 0),
                    Order.INPUT,
                    Optional.empty(),
                    addition));
  }

  private CanonicalShards write(
      String split,
      RowSet rows,
      Plan plan,
      Order order,
      Optional<Mixture> mixture,
      Optional<Addition> addition) {
    return timed(
        "shards " + split,
        () ->
            ShardWriting.write(
                storage,
                new RunDirectory(settings.output()).shards(split),
                addition.isPresent()
                    ? addition
                        .get()
                        .joining()
                        .apply(ShardWriting.reached(rows.rows(), plan, order, mixture))
                    : rows.rows(),
                plan,
                order,
                mixture,
                rows.fingerprint() + addition.map(added -> "+" + added.fingerprint()).orElse("")));
  }

  /** File and line of rows that were trained on, by their indexes in {@code made.rows()}. */
  public SortedMap<Long, List<String>> places(Made made, ModelDirectory model, Set<Long> indexes) {
    Set<Long> wanted = Set.copyOf(indexes);
    List<TokenizedRow> rows =
        made.rows().rows().filter(row -> wanted.contains(row.index())).collect();
    return Prepare.places(spark, storage, made.preparing(), model.tokenizerFiles(), rows);
  }

  /** Held-out rows that were trained on measure memory and nothing else: the user must know. */
  private void reportOverlap(Overlap overlap) {
    record.accept(
        run ->
            run.withCount("overlap.rows", overlap.rows())
                .withCount("overlap.prompts", overlap.prompts()));
    if (overlap.isNone()) {
      return;
    }
    progress.note(
        String.format(
            Locale.ROOT,
            "%,d of %,d held-out rows stand in the training data too%s, and %,d have a prompt that"
                + " does%s: metrics on them say what was memorised",
            overlap.rows(),
            overlap.held(),
            indexes(overlap.firstRows()),
            overlap.prompts(),
            indexes(overlap.firstPrompts())));
  }

  private static String indexes(List<Long> first) {
    return first.isEmpty()
        ? ""
        : " (accepted rows, counted from 0: "
            + first.stream().map(String::valueOf).collect(Collectors.joining(", "))
            + (first.size() >= 5 ? "..." : "")
            + ")";
  }

  private PrepareSettings preparing(String split, List<String> paths) {
    List<String> files = sources(split, paths).stream().map(SparkSources.Resolved::path).toList();
    return PrepareSettings.of(files, settings.reading().kind(), settings.output())
        .withReading(settings.reading())
        .named(split)
        .withLossOn(settings.form().lossOn())
        .withLimits(settings.limits())
        .withBadRows(settings.badRows());
  }

  private Prepared prepare(PrepareSettings preparing, ModelDirectory model) {
    String split = preparing.name();
    String stage = "prepare " + split;
    boolean[] announced = {false};
    Prepared prepared =
        timed(
            stage,
            () ->
                Prepare.run(
                    spark,
                    storage,
                    preparing,
                    model.tokenizerFiles(),
                    new PrepareListener() {
                      @Override
                      public void partsDone(int done, int parts, long read) {
                        if (!announced[0]) {
                          announced[0] = true;
                          progress.stageStarted(stage, parts, "parts");
                        }
                        progress.stageAdvanced(stage, done, new Amount(read, "rows"));
                      }

                      @Override
                      public void note(String line) {
                        progress.note(line);
                      }
                    }));
    PreparedCounts counts = prepared.counts();
    progress.stageFinished(
        stage,
        String.format(
            Locale.ROOT,
            "%,d rows read, %,d accepted, %,d refused, %,d truncated, %,d tokens%s",
            counts.read(),
            counts.accepted(),
            counts.refusedRows(),
            counts.truncated(),
            counts.tokens(),
            prepared.origin() == Prepared.Origin.FOUND ? " (found prepared)" : ""));
    List<String> readings = prepared.readings(settings.reading());
    readings.forEach(reading -> progress.note(split + ": " + reading));
    prepared
        .quarantine()
        .ifPresent(
            path ->
                progress.note(
                    String.format(
                        Locale.ROOT,
                        "%,d rows of the %s data were refused; they are in %s",
                        counts.refusedRows(),
                        split,
                        path)));
    record.accept(
        run ->
            run.withReadings(split, readings)
                .withFingerprint("data." + split, prepared.fingerprint())
                .withCount(split + ".read", counts.read())
                .withCount(split + ".accepted", counts.accepted())
                .withCount(split + ".refused", counts.refusedRows())
                .withCount(split + ".truncated", counts.truncated())
                .withCount(split + ".tokens", counts.tokens()));
    return prepared;
  }

  /** A run that resumes reads the rows that it began with, though a table may have changed. */
  private List<SparkSources.Resolved> sources(String split, List<String> paths) {
    if (settings.sources().reading() == SourceReading.AS_BEFORE) {
      Optional<List<SparkSources.Resolved>> before =
          SparkSources.resolvedBefore(storage, paths, split, settings.output());
      if (before.isPresent()) {
        return before.get();
      }
    }
    return SparkSources.resolve(
        spark,
        storage,
        paths,
        PrepareSettings.purposeOf(split),
        split,
        settings.output(),
        progress::note);
  }

  private <T> T timed(String stage, Supplier<T> work) {
    long start = System.nanoTime();
    T result = work.get();
    Duration took = Duration.ofNanos(System.nanoTime() - start);
    record.accept(run -> run.withTiming(stage, took));
    return result;
  }
}
