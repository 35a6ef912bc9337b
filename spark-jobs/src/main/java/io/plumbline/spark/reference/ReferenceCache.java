package io.plumbline.spark.reference;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.inference.SharedModels;
import io.plumbline.spark.inference.SparkFailures;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.progress.ProgressListener.Amount;
import io.plumbline.spark.progress.StageProgress;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.HeldDtype;
import java.io.Serializable;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.UUID;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import org.apache.spark.util.CollectionAccumulator;
import org.apache.spark.util.LongAccumulator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple2;

/**
 * Log-probabilities of a reference model, computed once a row and kept as Parquet.
 *
 * <p>A value is found by the reference (weights, configuration, compute type and held type of the
 * model) and by the row (token ids, boundaries and loss masks), never by a path or a place in the
 * data. So another model, tokenizer, template or type never reads the wrong value, and runs and
 * teams can share one directory, also at the same time. Tokens that the row's loss masks leave out
 * have the value 0.
 */
public final class ReferenceCache {
  /** The stage's name towards a {@link ProgressListener}. */
  public static final String STAGE = "reference";

  private static final Logger LOG = LoggerFactory.getLogger(ReferenceCache.class);

  /** Batches that a task should have at least, to be worth its start. */
  private static final int BATCHES_PER_TASK = 16;

  /** Tasks a slot at most: enough to even out slow hosts and to show progress. */
  private static final int TASKS_PER_SLOT = 16;

  /** Parts that a task reads at least, to be worth its start. */
  private static final int PARTS_PER_TASK = 16;

  /** The same of markers. */
  private static final int MARKERS_PER_TASK = 256;

  private ReferenceCache() {}

  /** The name under which a model's values are kept: hex SHA-256. */
  public static String referenceFingerprint(ModelDirectory model, ComputeDtype dtype) {
    return CacheDirectory.referenceFingerprint(model.fingerprint(), dtype, HeldDtype.F32);
  }

  /**
   * Deletes what killed tasks have left in a cache that is older than this; one line for people.
   */
  public static String prune(Storage storage, String cacheDirectory, Instant before) {
    CacheDirectory.Pruned pruned = CacheDirectory.prune(storage, cacheDirectory, before);
    return "%,d files without use deleted, %,d bytes".formatted(pruned.files(), pruned.bytes());
  }

  /** What a cache holds; an empty summary where there is none. */
  public static CacheSummary inspect(Storage storage, String cacheDirectory) {
    return CacheDirectory.summary(storage, cacheDirectory);
  }

  /**
   * Computes the values of all rows that the cache lacks, and no others. Runs that fill at the same
   * time may compute a row twice, which does no harm. Parts of the cache that are damaged are left
   * out with a warning that names the file, and their rows computed anew.
   *
   * <p>The rows are read twice or more; persist them if they are costly to make.
   *
   * @param modelPath Hugging Face directory of the reference model, seen by all executors
   */
  public static Filled fill(
      SparkSession spark,
      Storage storage,
      JavaRDD<TokenizedRow> rows,
      String modelPath,
      ReferenceSettings settings,
      ProgressListener listener) {
    long start = System.nanoTime();
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    ModelDirectory model = ModelDirectory.open(storage, modelPath);
    String modelFingerprint = model.soundFingerprint();
    CacheDirectory directory =
        new CacheDirectory(
            storage,
            settings.cacheDirectory(),
            CacheDirectory.referenceFingerprint(
                modelFingerprint, settings.dtype(), settings.held()));
    int slots = slots(spark);
    CollectionAccumulator<String> damage = context.sc().collectionAccumulator("damaged parts");
    JavaPairRDD<String, String> known =
        cachedRows(context, directory, rows, slots, damage)
            .mapToPair(cached -> new Tuple2<>(cached.row().fingerprint(), cached.part()));
    JavaRDD<Sought> sought =
        rows.mapToPair(row -> new Tuple2<>(row.fingerprint(), row))
            .cogroup(known, new HashPartitioner(Math.max(slots, rows.getNumPartitions())))
            .values()
            .flatMap(ReferenceCache::sought)
            .persist(StorageLevel.MEMORY_AND_DISK());
    try {
      Totals totals =
          SparkFailures.unwrapped(() -> sought.aggregate(Totals.NONE, Totals::plus, Totals::plus));
      List<String> damagedParts = reportDamage(damage, listener);
      listener.stageStarted(STAGE, totals.missing(), "rows");
      Computed computed = Computed.NOTHING;
      if (totals.missing() > 0) {
        directory.describe(modelPath, modelFingerprint, settings);
        FillTask task =
            new FillTask(
                directory,
                modelPath,
                modelFingerprint,
                settings,
                threads(spark, settings),
                UUID.randomUUID().toString(),
                context.sc().longAccumulator("reference rows"),
                context.sc().longAccumulator("reference tokens"));
        JavaRDD<TokenizedRow> missing =
            sought.filter(row -> row.missing() != null).map(Sought::missing);
        computed = compute(balanced(missing, tasks(totals, slots, settings)), task, listener);
      }
      Filled filled =
          new Filled(
              directory.fingerprint(),
              totals.rows(),
              totals.found(),
              computed.rows(),
              computed.tokens(),
              Duration.ofNanos(System.nanoTime() - start),
              computed.seconds() == 0 ? 0 : computed.tokens() / computed.seconds(),
              computed.modelLoads(),
              damagedParts);
      listener.stageFinished(STAGE, filled.summary());
      return filled;
    } finally {
      sought.unpersist();
      // With a local master the training that follows runs in this process and wants the memory.
      SharedModels.closeIdle();
    }
  }

  /**
   * The rows with the reference's log-probabilities, from a cache that holds them all. Looks all
   * rows up before it returns, and fails with BAD_DATA if one is missing.
   *
   * @param referenceFingerprint as {@link Filled#referenceFingerprint} says
   */
  public static JavaRDD<TokenizedRow> join(
      SparkSession spark,
      Storage storage,
      JavaRDD<TokenizedRow> rows,
      String cacheDirectory,
      String referenceFingerprint) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    CacheDirectory directory = new CacheDirectory(storage, cacheDirectory, referenceFingerprint);
    int slots = slots(spark);
    CollectionAccumulator<String> damage = context.sc().collectionAccumulator("damaged parts");
    // Two runs may have computed a row in batches of different shape: always take the same one.
    JavaPairRDD<String, CachedIn> cached =
        cachedRows(context, directory, rows, slots, damage)
            .mapToPair(found -> new Tuple2<>(found.row().fingerprint(), found))
            .reduceByKey((a, b) -> a.part().compareTo(b.part()) <= 0 ? a : b);
    JavaPairRDD<String, Tuple2<TokenizedRow, org.apache.spark.api.java.Optional<CachedIn>>> joined =
        rows.mapToPair(row -> new Tuple2<>(row.fingerprint(), row))
            .leftOuterJoin(cached, Math.max(slots, rows.getNumPartitions()));
    JavaRDD<String> problems =
        joined
            .values()
            .map(pair -> problem(pair._1(), pair._2().orNull(), directory))
            .filter(problem -> problem != null);
    List<String> first = SparkFailures.unwrapped(() -> problems.take(1));
    if (!first.isEmpty()) {
      throw new PlumblineException(ErrorCode.BAD_DATA, first.get(0));
    }
    return joined.values().map(pair -> withLogps(pair._1(), pair._2().orNull(), directory));
  }

  /** How the values of a row differ in shape from its completions, or null if they fit. */
  static String mismatch(TokenizedRow row, float[][] logps) {
    if (row.completions().size() != logps.length) {
      return "the row with index %d has %d completions, and log-probabilities for %d"
          .formatted(row.index(), row.completions().size(), logps.length);
    }
    for (int i = 0; i < logps.length; i++) {
      if (row.completions().get(i).length != logps[i].length) {
        return "completion %d of the row with index %d has %d tokens, and %d log-probabilities"
            .formatted(i, row.index(), row.completions().get(i).length, logps[i].length);
      }
    }
    return null;
  }

  /** A cached row and the part it lies in. */
  private record CachedIn(String part, CachedRow row) implements Serializable {}

  /**
   * A distinct row of those that were asked for.
   *
   * @param times how often it was asked for
   * @param missing the row itself, if the cache lacks it; else null
   */
  private record Sought(long times, TokenizedRow missing) implements Serializable {}

  private record Totals(long rows, long found, long missing, long missingTokens)
      implements Serializable {
    static final Totals NONE = new Totals(0, 0, 0, 0);

    static Totals plus(Totals totals, Sought row) {
      boolean found = row.missing() == null;
      return new Totals(
          totals.rows + row.times(),
          totals.found + (found ? 1 : 0),
          totals.missing + (found ? 0 : 1),
          totals.missingTokens + (found ? 0 : row.missing().tokens()));
    }

    static Totals plus(Totals a, Totals b) {
      return new Totals(
          a.rows + b.rows,
          a.found + b.found,
          a.missing + b.missing,
          a.missingTokens + b.missingTokens);
    }
  }

  private record Computed(long rows, long tokens, long modelLoads, double seconds) {
    static final Computed NOTHING = new Computed(0, 0, 0, 0);
  }

  /**
   * The rows of the cache that are among those that are wanted, from the parts that can hold one.
   */
  private static JavaRDD<CachedIn> cachedRows(
      JavaSparkContext context,
      CacheDirectory directory,
      JavaRDD<TokenizedRow> rows,
      int slots,
      CollectionAccumulator<String> damage) {
    List<String> names = directory.partNames();
    if (names.isEmpty()) {
      return context.emptyRDD();
    }
    Broadcast<RowKeys> wanted = context.broadcast(SparkFailures.unwrapped(() -> RowKeys.of(rows)));
    List<String> read =
        SparkFailures.unwrapped(
            () ->
                context
                    .parallelize(names, tasks(names, MARKERS_PER_TASK, slots))
                    .filter(name -> directory.mayHold(name, wanted.value()))
                    .collect());
    LOG.debug("{} of {} parts of the reference cache are read", read.size(), names.size());
    if (read.isEmpty()) {
      return context.emptyRDD();
    }
    return context
        .parallelize(read, tasks(read, PARTS_PER_TASK, slots))
        .flatMap(name -> cachedIn(directory, name, wanted.value(), damage));
  }

  private static int tasks(List<String> names, int perTask, int slots) {
    return Math.min(1 + names.size() / perTask, slots * TASKS_PER_SLOT);
  }

  private static Iterator<CachedIn> cachedIn(
      CacheDirectory directory, String part, RowKeys wanted, CollectionAccumulator<String> damage) {
    try {
      return cachedIn(part, directory.read(part), wanted);
    } catch (CacheDirectory.DamagedPart e) {
      Optional<String> successor = directory.successor(part);
      if (successor.isPresent()) {
        try {
          return cachedIn(successor.get(), directory.read(successor.get()), wanted);
        } catch (CacheDirectory.DamagedPart ofSuccessor) {
          e.addSuppressed(ofSuccessor);
        }
      }
      LOG.warn("The reference cache has a damaged part: {}", e.getMessage());
      damage.add(e.getMessage());
      return List.<CachedIn>of().iterator();
    }
  }

  private static Iterator<CachedIn> cachedIn(String part, List<CachedRow> rows, RowKeys wanted) {
    return rows.stream()
        .filter(row -> wanted.hold(row.fingerprint()))
        .map(row -> new CachedIn(part, row))
        .iterator();
  }

  private static List<String> reportDamage(
      CollectionAccumulator<String> damage, ProgressListener listener) {
    TreeSet<String> sentences = new TreeSet<>(damage.value());
    for (String sentence : sentences) {
      listener.note(
          "Left out of the reference cache: " + sentence + "; its rows are computed anew.");
    }
    return new ArrayList<>(sentences);
  }

  private static Iterator<Sought> sought(
      Tuple2<Iterable<TokenizedRow>, Iterable<String>> rowsAndParts) {
    Iterator<TokenizedRow> rows = rowsAndParts._1().iterator();
    if (!rows.hasNext()) {
      return List.<Sought>of().iterator();
    }
    TokenizedRow row = rows.next();
    long times = 1;
    while (rows.hasNext()) {
      rows.next();
      times++;
    }
    boolean found = rowsAndParts._2().iterator().hasNext();
    return List.of(new Sought(times, found ? null : row)).iterator();
  }

  /** Spreads rows so that every partition has about as many tokens, long and short rows alike. */
  private static JavaRDD<TokenizedRow> balanced(JavaRDD<TokenizedRow> rows, int partitions) {
    return rows.sortBy(TokenizedRow::tokens, false, partitions)
        .zipWithIndex()
        .mapToPair(numbered -> new Tuple2<>((int) (numbered._2() % partitions), numbered._1()))
        .partitionBy(new HashPartitioner(partitions))
        .values();
  }

  private static int tasks(Totals totals, int slots, ReferenceSettings settings) {
    long worthwhile =
        totals.missingTokens() / ((long) BATCHES_PER_TASK * settings.tokensPerBatch());
    long wanted = Math.min(Math.max(worthwhile, slots), (long) slots * TASKS_PER_SLOT);
    return (int) Math.max(1, Math.min(wanted, totals.missing()));
  }

  private static Computed compute(
      JavaRDD<TokenizedRow> rows, FillTask task, ProgressListener listener) {
    long start = System.nanoTime();
    LongAccumulator progress = task.progress();
    List<FillTask.Done> tasks =
        StageProgress.during(
            listener,
            STAGE,
            progress::value,
            () -> new Amount(task.tokensDone().value(), "tokens"),
            () -> SparkFailures.unwrapped(() -> rows.mapPartitions(task).collect()));
    long done = tasks.stream().mapToLong(FillTask.Done::rows).sum();
    listener.stageAdvanced(STAGE, done, new Amount(task.tokensDone().value(), "tokens"));
    return new Computed(
        done,
        tasks.stream().mapToLong(FillTask.Done::tokens).sum(),
        tasks.stream().mapToLong(FillTask.Done::modelLoads).sum(),
        (System.nanoTime() - start) / 1e9);
  }

  private static String problem(TokenizedRow row, CachedIn cached, CacheDirectory directory) {
    if (cached == null) {
      return "The reference cache %s has no values for the row with index %d (fingerprint %s); fill it again with the same data and model."
          .formatted(directory.root(), row.index(), row.fingerprint());
    }
    String mismatch = mismatch(row, cached.row().logps());
    return mismatch == null
        ? null
        : "The reference cache does not fit the data: %s, in %s; delete that file and fill the cache again."
            .formatted(mismatch, directory.partPath(cached.part()));
  }

  private static TokenizedRow withLogps(
      TokenizedRow row, CachedIn cached, CacheDirectory directory) {
    String problem = problem(row, cached, directory);
    if (problem != null) {
      throw new PlumblineException(ErrorCode.BAD_DATA, problem);
    }
    return row.withReferenceLogps(Arrays.asList(cached.row().logps()));
  }

  private static int slots(SparkSession spark) {
    int cpus = spark.sparkContext().getConf().getInt("spark.task.cpus", 1);
    return Math.max(1, spark.sparkContext().defaultParallelism() / cpus);
  }

  private static int threads(SparkSession spark, ReferenceSettings settings) {
    return settings.threadsPerTask() > 0
        ? settings.threadsPerTask()
        : spark.sparkContext().getConf().getInt("spark.task.cpus", 1);
  }
}
