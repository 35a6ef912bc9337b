package io.plumbline.spark.inference;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Fingerprint;
import io.plumbline.base.Json;
import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.progress.StageProgress;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.Torch;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaPairRDD;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.LongAccumulator;
import scala.Tuple2;

/**
 * A stage over rows whose results are lines that stay in {@link KeptLines} slice by slice. A task
 * holds the lines of one slice in memory, whatever the number of rows, and a run that is stopped
 * loses the slices that are under way.
 */
public final class KeptStage {
  /** Slices that an input is split into at most: a file and a task each. */
  private static final int MOST_SLICES = 16_384;

  /** Bytes of kept lines behind one file of the result: stores and readers like 64 to 512 MB. */
  private static final long BYTES_PER_FILE = 64L << 20;

  private static final String ROWS = "rows";
  private static final String ROWS_PER_SLICE = "rows_per_slice";
  private static final String CONTENT = "rows_fingerprint";

  private KeptStage() {}

  /** Rows of an input by their places, with what tells this input from another. */
  public record Input(
      JavaPairRDD<Map<String, Object>, Long> numbered, long count, String fingerprint) {
    /** Reads all rows once. */
    public static Input of(JavaRDD<Map<String, Object>> rows) {
      JavaPairRDD<Map<String, Object>, Long> numbered = SparkFailures.unwrapped(rows::zipWithIndex);
      Content content =
          SparkFailures.unwrapped(
              () ->
                  numbered.rdd().toJavaRDD().aggregate(Content.NONE, Content::plus, Content::plus));
      return new Input(numbered, content.rows(), content.fingerprint());
    }
  }

  /** Rows and the sum of their hashes: the same whatever the order in which tasks come to them. */
  private record Content(long rows, long sum, long otherSum) implements Serializable {
    static final Content NONE = new Content(0, 0, 0);

    static Content plus(Content content, Tuple2<Map<String, Object>, Long> row) {
      String hash = Sha256.hex(row._2() + ":" + JsonLines.line(Json.MAPPER.valueToTree(row._1())));
      return plus(
          content,
          new Content(
              1,
              Long.parseUnsignedLong(hash.substring(0, 16), 16),
              Long.parseUnsignedLong(hash.substring(16, 32), 16)));
    }

    static Content plus(Content a, Content b) {
      return new Content(a.rows + b.rows, a.sum + b.sum, a.otherSum + b.otherSum);
    }

    String fingerprint() {
      return Fingerprint.of("plumbline.rows.of.stage.1")
          .number("rows", rows)
          .number("sum", sum)
          .number("other sum", otherSum)
          .hex();
    }
  }

  /** All lines of a stage, in the order of the rows. */
  public record Lines(JavaRDD<String> values, long count) {}

  /**
   * Runs a stage, or what is left of it.
   *
   * @param kept what an earlier run of the same request has finished, or an empty directory
   * @param request with what decides the lines besides the rows; the rows are added to it
   * @param name what the listener calls the stage
   * @throws PlumblineException OUTPUT_IN_USE where lines of another request are kept
   */
  public static Lines run(
      Input input,
      KeptLines kept,
      ObjectNode request,
      Work work,
      String name,
      ProgressListener listener) {
    long rowsPerSlice = begin(input, kept, request, work.window());
    JavaSparkContext context = JavaSparkContext.fromSparkContext(input.numbered().context());
    List<KeptLines.Part> whole = whole(context, kept, Set.of());
    TreeSet<Long> done = new TreeSet<>(whole.stream().map(KeptLines.Part::slice).toList());
    long left = input.count() - done.stream().mapToLong(s -> rows(s, rowsPerSlice, input)).sum();
    if (!done.isEmpty()) {
      listener.note(
          "%s: %,d of %,d rows were finished before"
              .formatted(name, input.count() - left, input.count()));
    }
    if (left > 0) {
      LongAccumulator progress = context.sc().longAccumulator(name);
      JavaPairRDD<Map<String, Object>, Long> missing =
          done.isEmpty()
              ? input.numbered()
              : input.numbered().filter(row -> !done.contains(row._2() / rowsPerSlice));
      try {
        StageProgress.whole(
            listener,
            name,
            left,
            "rows",
            progress::value,
            () ->
                SparkFailures.unwrapped(
                    () ->
                        InputRows.sliced(missing, input.count(), (int) rowsPerSlice, MOST_SLICES)
                            .mapPartitions(rows -> finish(rows, rowsPerSlice, kept, work, progress))
                            .count()));
      } finally {
        SharedModels.closeIdle();
      }
      whole = merged(whole, whole(context, kept, done));
    }
    return lines(context, input, kept, rowsPerSlice, whole);
  }

  /**
   * How a task works.
   *
   * @param window rows that it takes in at once to sort them into batches
   * @param threads that PyTorch uses
   */
  public record Work(int window, int threads, StageResults.Stage<String> stage)
      implements Serializable {}

  /** How many rows a slice has; fixed by the run that began. */
  private static long begin(Input input, KeptLines kept, ObjectNode request, int window) {
    long windows =
        Math.max(
            1, (input.count() + (long) window * MOST_SLICES - 1) / ((long) window * MOST_SLICES));
    ObjectNode own = request.deepCopy();
    own.put(ROWS, input.count()).put(CONTENT, input.fingerprint());
    own = asWritten(own);
    Optional<ObjectNode> before = kept.request();
    if (before.isPresent()) {
      long rowsPerSlice = before.get().path(ROWS_PER_SLICE).asLong();
      ObjectNode compared = before.get().deepCopy();
      compared.remove(ROWS_PER_SLICE);
      List<String> other = differences(compared, own);
      if (!other.isEmpty()) {
        throw new PlumblineException(
            ErrorCode.OUTPUT_IN_USE,
            "%s holds what was finished of another call (%s): give the same options and data, another --output, or begin anew by --overwrite."
                .formatted(kept.root(), String.join(", ", other)));
      }
      if (rowsPerSlice > 0) {
        return rowsPerSlice;
      }
    }
    own.put(ROWS_PER_SLICE, windows * window);
    kept.begin(own);
    return windows * window;
  }

  /** Numbers as they come back from a file, to be compared. */
  private static ObjectNode asWritten(ObjectNode json) {
    try {
      return (ObjectNode) Json.MAPPER.readTree(JsonLines.line(json));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("what was written as JSON is none", e);
    }
  }

  private static List<String> differences(ObjectNode before, ObjectNode now) {
    TreeSet<String> names = new TreeSet<>();
    before.fieldNames().forEachRemaining(names::add);
    now.fieldNames().forEachRemaining(names::add);
    return names.stream().filter(name -> !before.path(name).equals(now.path(name))).toList();
  }

  private static long rows(long slice, long rowsPerSlice, Input input) {
    return Math.min(rowsPerSlice, input.count() - slice * rowsPerSlice);
  }

  private static List<KeptLines.Part> merged(
      List<KeptLines.Part> before, List<KeptLines.Part> after) {
    return Stream.concat(before.stream(), after.stream())
        .sorted(Comparator.comparing(KeptLines.Part::slice))
        .toList();
  }

  /**
   * One whole file for each slice that has one, in order.
   *
   * @param known slices that have been looked at
   */
  private static List<KeptLines.Part> whole(
      JavaSparkContext context, KeptLines kept, Set<Long> known) {
    TreeMap<Long, List<KeptLines.Part>> bySlice = kept.parts();
    bySlice.keySet().removeAll(known);
    List<List<KeptLines.Part>> parts = new ArrayList<>(bySlice.values());
    if (parts.isEmpty()) {
      return List.of();
    }
    return SparkFailures.unwrapped(
        () ->
            context
                .parallelize(parts, Math.min(parts.size(), 4 * context.defaultParallelism()))
                .flatMap(attempts -> attempts.stream().filter(kept::isWhole).limit(1).iterator())
                .collect());
  }

  private static Iterator<Long> finish(
      Iterator<Tuple2<Long, Map<String, Object>>> rows,
      long rowsPerSlice,
      KeptLines kept,
      Work work,
      LongAccumulator progress) {
    if (!rows.hasNext()) {
      return List.<Long>of().iterator();
    }
    TaskContext context = TaskContext.get();
    String attempt = Long.toString(context.taskAttemptId(), 36) + "a" + context.attemptNumber();
    Torch.useThreads(work.threads());
    long slices = 0;
    try (Device.Use use = DeviceChoice.AUTO.ofThisTask().use();
        StageResults.Answering<String> answering = work.stage().open()) {
      Tuple2<Long, Map<String, Object>> next = rows.next();
      while (next != null) {
        long slice = next._1() / rowsPerSlice;
        List<String> lines = new ArrayList<>();
        while (next != null && next._1() / rowsPerSlice == slice) {
          if (context.isInterrupted()) {
            throw new PlumblineException(
                ErrorCode.INTERRUPTED,
                "The stage was stopped; what it finished is kept, so continue by --resume.");
          }
          long firstPlace = next._1();
          List<Map<String, Object>> taken = new ArrayList<>();
          while (next != null
              && next._1() / rowsPerSlice == slice
              && taken.size() < work.window()) {
            taken.add(next._2());
            next = rows.hasNext() ? rows.next() : null;
          }
          lines.addAll(answering.answer(firstPlace, taken));
          progress.add(taken.size());
        }
        kept.write(slice, lines, attempt);
        slices++;
      }
    }
    return List.of(slices).iterator();
  }

  private static Lines lines(
      JavaSparkContext context,
      Input input,
      KeptLines kept,
      long rowsPerSlice,
      List<KeptLines.Part> whole) {
    long slices = (input.count() + rowsPerSlice - 1) / rowsPerSlice;
    if (whole.size() != slices) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          "Of %,d slices in %s %,d are whole: continue by --resume."
              .formatted(slices, kept.root(), whole.size()));
    }
    if (whole.isEmpty()) {
      return new Lines(context.emptyRDD(), 0);
    }
    long bytes = whole.stream().mapToLong(KeptLines.Part::bytes).sum();
    int files = (int) Math.max(1, Math.min(whole.size(), bytes / BYTES_PER_FILE));
    return new Lines(
        context.parallelize(whole, files).flatMap(part -> kept.read(part).iterator()),
        whole.stream().mapToLong(KeptLines.Part::lines).sum());
  }
}
