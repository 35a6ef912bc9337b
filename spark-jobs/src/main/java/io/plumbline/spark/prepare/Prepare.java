package io.plumbline.spark.prepare;

import io.plumbline.base.Sha256;
import io.plumbline.data.FileSlice;
import io.plumbline.data.RowLayout;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.prepare.PrepareTask.PartResult;
import io.plumbline.spark.prepare.PrepareTask.Work;
import io.plumbline.spark.source.DataFiles;
import io.plumbline.storage.Storage;
import io.plumbline.text.Tokenizer;
import io.plumbline.text.TokenizerFiles;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.reflect.ClassTag$;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/**
 * Reads data files, refuses what cannot be trained on, and tokenizes the rest as TRL would.
 *
 * <p>The result lies in {@code OUTPUT/prepared/NAME-KEY/}, KEY being a hash of the input files
 * (path, length, time of the last change), the settings and the tokenizer: preparing the same again
 * finds it and does nothing. Refused rows lie in {@code OUTPUT/quarantine/NAME-KEY/}.
 */
public final class Prepare {
  private static final Logger LOG = LoggerFactory.getLogger(Prepare.class);

  private static final long LEAST_SPLIT_BYTES = 1L << 20;
  private static final long MOST_SPLIT_BYTES = 32L << 20;
  private static final int TASKS_PER_SLOT = 3;
  private static final int KEY_CHARS = 12;

  private final SparkSession spark;
  private final JavaSparkContext context;
  private final Storage storage;
  private final PrepareSettings settings;
  private final TokenizerFiles tokenizerFiles;
  private final PrepareListener listener;
  private final Set<String> said = new LinkedHashSet<>();

  private Prepare(
      SparkSession spark,
      Storage storage,
      PrepareSettings settings,
      TokenizerFiles tokenizerFiles,
      PrepareListener listener) {
    this.spark = spark;
    this.context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    this.storage = storage;
    this.settings = settings;
    this.tokenizerFiles = tokenizerFiles;
    this.listener = listener;
  }

  /**
   * Prepares a data set, or finds it prepared. Fails with INPUT_NOT_FOUND where a path names no
   * data file, with BAD_DATA where the columns do not fit, more rows are refused than the settings
   * allow, or none is left.
   */
  public static Prepared run(
      SparkSession spark,
      Storage storage,
      PrepareSettings settings,
      TokenizerFiles tokenizer,
      PrepareListener listener) {
    return new Prepare(spark, storage, settings, tokenizer, listener).run();
  }

  /**
   * Where rows of a data set stand, as file and line, by their indexes: at no place where the data
   * has changed since, at several where it has a row twice.
   *
   * @param rows as they were made of the prepared ones; indexes may be others
   */
  public static SortedMap<Long, List<String>> places(
      SparkSession spark,
      Storage storage,
      PrepareSettings settings,
      TokenizerFiles tokenizer,
      List<TokenizedRow> rows) {
    return new Prepare(spark, storage, settings, tokenizer, PrepareListener.NONE).places(rows);
  }

  private SortedMap<Long, List<String>> places(List<TokenizedRow> rows) {
    List<Input> inputs = inputs();
    try (Tokenizer tokenizer = Tokenizer.of(tokenizerFiles)) {
      List<List<Work>> tasks = tasks(inputs, layouts(inputs, tokenizer));
      return RowPlaces.find(context, storage, settings, tokenizerFiles, tasks, rows);
    }
  }

  /** The files of one of the user's paths. */
  private record Input(String path, DataFiles.Found found) {
    List<Storage.Entry> files() {
      return found.files();
    }
  }

  private Prepared run() {
    List<Input> inputs = inputs();
    try (Tokenizer tokenizer = Tokenizer.of(tokenizerFiles)) {
      String key = key(inputs, tokenizer.fingerprint());
      String name = settings.name() + "-" + key.substring(0, KEY_CHARS);
      String directory = Storage.join(Storage.join(settings.output(), "prepared"), name);
      Optional<Prepared> found = Prepared.find(storage, directory, key);
      Prepared prepared =
          found.isPresent() ? found.get() : compute(inputs, tokenizer, key, name, directory);
      requireEnoughGoodRows(prepared);
      LOG.info(
          "{} rows {} in {}: {} accepted, {} refused",
          prepared.counts().read(),
          prepared.origin() == Prepared.Origin.FOUND ? "found prepared" : "prepared",
          directory,
          prepared.counts().accepted(),
          prepared.counts().refusedRows());
      return prepared;
    }
  }

  private List<Input> inputs() {
    if (settings.paths().isEmpty()) {
      throw new PlumblineException(ErrorCode.BAD_USAGE, "There is no data; name it by --data");
    }
    List<Input> inputs = new ArrayList<>();
    for (String path : settings.paths()) {
      DataFiles.Found found = DataFiles.find(storage, path, settings.purpose());
      found.notes().forEach(listener::note);
      inputs.add(new Input(path, found));
    }
    return inputs;
  }

  private String key(List<Input> inputs, String tokenizerFingerprint) {
    List<String> all = new ArrayList<>();
    all.add(Prepared.MANIFEST.format() + " " + Prepared.MANIFEST.version());
    all.add(settings.kind().name());
    all.addAll(settings.reading().columns().texts());
    all.add("desirable from " + settings.reading().desirableFrom());
    all.add(settings.lossOn().name());
    all.add(settings.limits().text());
    all.add(tokenizerFingerprint);
    for (Input input : inputs) {
      // The shape of the rows is decided for each path by itself.
      all.add("input");
      for (Storage.Entry file : input.files()) {
        all.add(
            file.path() + "|" + file.length() + "|" + storage.modified(file.path()).toEpochMilli());
        // The same file has other columns where another of its folders was named.
        input.found().foldersOf(file).forEach((name, value) -> all.add(name + "=" + value));
      }
    }
    return Sha256.hex(String.join("\n", all));
  }

  private Prepared compute(
      List<Input> inputs, Tokenizer tokenizer, String key, String name, String directory) {
    Map<Input, LayoutSearch.Found> layouts = layouts(inputs, tokenizer);
    List<List<Work>> tasks = tasks(inputs, layouts);
    String quarantine = Storage.join(Storage.join(settings.output(), "quarantine"), name);
    String run = UUID.randomUUID().toString().substring(0, 8);
    List<PartResult> results = tokenize(tasks, directory, quarantine, run);
    List<long[]> before =
        LineNumbers.before(tasks, results.stream().map(PartResult::lineEnds).toList());
    List<String> quarantineFiles =
        LineNumbers.number(
            context,
            storage,
            quarantine,
            tasks,
            results.stream().map(PartResult::quarantineFile).collect(Collectors.toList()),
            before);

    PreparedCounts counts = PreparedCounts.NONE;
    RowSequenceHash hash = new RowSequenceHash();
    List<Prepared.Part> parts = new ArrayList<>();
    long[] sources = new long[inputs.size()];
    List<Prepared.Refusal> refusals = new ArrayList<>();
    for (int task = 0; task < results.size(); task++) {
      PartResult result = results.get(task);
      if (result.file() != null) {
        parts.add(new Prepared.Part(result.file(), result.counts().accepted(), counts.accepted()));
      }
      for (PrepareTask.Refused refused : result.firstRefusals()) {
        refusals.add(refused.refusal().behind(before.get(task)[refused.slice()]));
      }
      counts = counts.plus(result.counts());
      Arrays.setAll(sources, source -> sources[source] + result.sources()[source]);
      hash.append(result.hash(), result.counts().accepted());
    }
    Prepared prepared =
        Prepared.complete(
            storage,
            directory,
            new Prepared.Fields(
                key,
                hash.fingerprint(),
                tokenizer.fingerprint(),
                counts,
                Arrays.stream(sources).boxed().toList(),
                inputs.stream().map(input -> layouts.get(input).reading()).toList(),
                parts,
                quarantine,
                quarantineFiles,
                RefusedRows.named(refusals)));
    deleteOthers(directory, run, parts.stream().map(Prepared.Part::file).toList());
    deleteOthers(quarantine, run, quarantineFiles);
    return prepared;
  }

  /** Attempts that failed leave files that no manifest names. */
  private void deleteOthers(String directory, String run, List<String> kept) {
    for (Storage.Entry entry : storage.list(directory)) {
      String file = entry.name();
      if (file.contains("-" + run + "-") && !kept.contains(file)) {
        storage.delete(entry.path());
      }
    }
  }

  private Map<Input, LayoutSearch.Found> layouts(List<Input> inputs, Tokenizer tokenizer) {
    Map<Input, LayoutSearch.Found> layouts = new LinkedHashMap<>();
    for (Input input : inputs) {
      LayoutSearch.Found found =
          LayoutSearch.in(storage, settings, tokenizer, input.path(), input.found().slices());
      layouts.put(input, found);
      found
          .note()
          .filter(said::add)
          .ifPresent(
              sentence -> {
                LOG.warn(sentence);
                listener.note(sentence);
              });
    }
    return layouts;
  }

  private List<List<Work>> tasks(List<Input> inputs, Map<Input, LayoutSearch.Found> layouts) {
    long total =
        inputs.stream()
            .flatMap(input -> input.files().stream())
            .mapToLong(Storage.Entry::length)
            .sum();
    long splitBytes =
        settings.splitBytes() > 0
            ? settings.splitBytes()
            : Math.max(
                LEAST_SPLIT_BYTES,
                Math.min(
                    MOST_SPLIT_BYTES,
                    total / (TASKS_PER_SLOT * (long) context.defaultParallelism())));
    List<Work> work = new ArrayList<>();
    for (int source = 0; source < inputs.size(); source++) {
      Input input = inputs.get(source);
      RowLayout layout = layouts.get(input).layout();
      for (Storage.Entry file : input.files()) {
        for (FileSlice slice : input.found().slices(storage, file, splitBytes)) {
          long bytes = Math.min(slice.end(), file.length()) - slice.start();
          work.add(new Work(slice, layout, source, bytes));
        }
      }
    }
    return together(work, splitBytes);
  }

  /** Small files share a task. */
  private static List<List<Work>> together(List<Work> work, long splitBytes) {
    List<List<Work>> tasks = new ArrayList<>();
    List<Work> task = new ArrayList<>();
    long bytes = 0;
    for (Work one : work) {
      if (!task.isEmpty() && bytes + one.bytes() > splitBytes) {
        tasks.add(task);
        task = new ArrayList<>();
        bytes = 0;
      }
      task.add(one);
      bytes += one.bytes();
    }
    if (!task.isEmpty()) {
      tasks.add(task);
    }
    return tasks;
  }

  private List<PartResult> tokenize(
      List<List<Work>> tasks, String directory, String quarantine, String run) {
    Broadcast<TokenizerFiles> files = context.broadcast(tokenizerFiles);
    PartResult[] results = new PartResult[tasks.size()];
    AtomicInteger done = new AtomicInteger();
    AtomicLong rows = new AtomicLong();
    JavaRDD<List<Work>> rdd = context.parallelize(tasks, tasks.size());
    listener.partsDone(0, results.length, 0);
    AbstractFunction2<Object, PartResult, BoxedUnit> finished =
        new AbstractFunction2<>() {
          @Override
          public BoxedUnit apply(Object partition, PartResult result) {
            results[(Integer) partition] = result;
            listener.partsDone(
                done.incrementAndGet(), results.length, rows.addAndGet(result.counts().read()));
            return BoxedUnit.UNIT;
          }
        };
    try {
      Jobs.run(
          () -> {
            spark
                .sparkContext()
                .runJob(
                    rdd.rdd(),
                    new PrepareTask(storage, settings, files, directory, quarantine, run),
                    finished,
                    ClassTag$.MODULE$.apply(PartResult.class));
            return results;
          });
    } finally {
      files.destroy();
    }
    return Arrays.asList(results);
  }

  private void requireEnoughGoodRows(Prepared prepared) {
    PreparedCounts counts = prepared.counts();
    long refused = counts.refusedRows();
    boolean allowed = settings.badRows().allows(refused, counts.read());
    if (allowed && counts.accepted() > 0) {
      return;
    }
    if (counts.read() == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          String.join(", ", settings.paths()) + " holds no row; give data with at least one");
    }
    throw RefusedRows.failure(prepared, settings.badRows());
  }
}
