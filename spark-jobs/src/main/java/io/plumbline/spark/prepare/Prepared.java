package io.plumbline.spark.prepare;

import io.plumbline.data.ReadAs;
import io.plumbline.data.RefusalReason;
import io.plumbline.data.RefusedRowException;
import io.plumbline.data.RowReading;
import io.plumbline.data.TokenizedRow;
import io.plumbline.data.TokenizedRowFiles;
import io.plumbline.storage.Manifest;
import io.plumbline.storage.Storage;
import java.io.Serializable;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.TaskCompletionListener;

/**
 * A data set that was tokenized: a directory of Parquet parts with the columns of {@link
 * TokenizedRowFiles}, complete with its {@code manifest.json}, which is written last.
 */
public final class Prepared {
  /** Whether rows were tokenized for this call. */
  public enum Origin {
    COMPUTED,
    /** The same data, settings and tokenizer had been prepared before. */
    FOUND
  }

  /**
   * One file of rows.
   *
   * @param file name within the directory
   * @param rows in it
   * @param firstRow index over all accepted rows of its first row
   */
  record Part(String file, long rows, long firstRow) implements Serializable {}

  /**
   * A refused row to name in a message.
   *
   * @param reason its id
   * @param detail what exactly is wrong
   */
  record Refusal(String file, long line, String reason, String detail) implements Serializable {
    private static final int MAX_DETAIL_CHARS = 300;

    static Refusal of(String file, long line, RefusedRowException refusal) {
      String detail = String.valueOf(refusal.getMessage());
      return new Refusal(
          file,
          line,
          refusal.reason().id(),
          detail.length() <= MAX_DETAIL_CHARS
              ? detail
              : detail.substring(0, MAX_DETAIL_CHARS) + "...");
    }

    /** This refusal in a file whose slice begins after so many lines. */
    Refusal behind(long lines) {
      return new Refusal(file, lines + line, reason, detail);
    }

    /** Where it stands, and why it was refused in words. */
    @Override
    public String toString() {
      return file + ":" + line + ": " + RefusalReason.ofId(reason).words();
    }
  }

  /**
   * What the manifest says.
   *
   * @param key of the data, the settings and the tokenizer
   * @param sources accepted rows of each path
   * @param readings how each path's rows were read
   * @param quarantine the directory of the refused rows
   */
  record Fields(
      String key,
      String fingerprint,
      String tokenizer,
      PreparedCounts counts,
      List<Long> sources,
      List<ReadAs> readings,
      List<Part> parts,
      String quarantine,
      List<String> quarantineFiles,
      List<Refusal> firstRefusals) {}

  static final Manifest<Fields> MANIFEST =
      new Manifest<>("plumbline.prepared", 3, Fields.class, "prepared rows", "");

  private final Storage storage;
  private final String directory;
  private final Fields manifest;
  private final Origin origin;

  private Prepared(Storage storage, String directory, Fields manifest, Origin origin) {
    this.storage = storage;
    this.directory = directory;
    this.manifest = manifest;
    this.origin = origin;
  }

  /** What stands in a directory, if it is complete, of this version, and has all its files. */
  static Optional<Prepared> find(Storage storage, String directory, String key) {
    return MANIFEST
        .find(storage, directory, "the rows are prepared again")
        .filter(manifest -> key.equals(manifest.key()))
        .filter(manifest -> manifest.sources() != null && manifest.readings() != null)
        .filter(manifest -> areThere(storage, directory, manifest.parts().stream().map(Part::file)))
        .filter(
            manifest ->
                areThere(storage, manifest.quarantine(), manifest.quarantineFiles().stream()))
        .map(manifest -> new Prepared(storage, directory, manifest, Origin.FOUND));
  }

  private static boolean areThere(Storage storage, String directory, Stream<String> files) {
    return files.allMatch(file -> storage.exists(Storage.join(directory, file)));
  }

  static Prepared complete(Storage storage, String directory, Fields manifest) {
    MANIFEST.write(storage, directory, manifest);
    return new Prepared(storage, directory, manifest, Origin.COMPUTED);
  }

  /** The directory of Parquet parts. */
  public String directory() {
    return directory;
  }

  public Origin origin() {
    return origin;
  }

  public PreparedCounts counts() {
    return manifest.counts();
  }

  /**
   * Accepted rows of each of the settings' paths, in their order. The rows of a path have
   * contiguous indexes, after those of the paths before it.
   */
  public List<Long> sourceCounts() {
    return List.copyOf(manifest.sources());
  }

  /** Equal exactly for the same rows, with the same margins and labels, in the same order. */
  public String fingerprint() {
    return manifest.fingerprint();
  }

  /** The directory of refused rows, empty if there are none. */
  public Optional<String> quarantine() {
    return manifest.quarantineFiles().isEmpty()
        ? Optional.empty()
        : Optional.of(manifest.quarantine());
  }

  /**
   * How the rows were read, a line for each way, with the columns that are not used.
   *
   * @param by how what was prepared is read now
   */
  public List<String> readings(RowReading by) {
    Map<ReadAs, Long> rows = new LinkedHashMap<>();
    for (int source = 0; source < manifest.readings().size(); source++) {
      rows.merge(
          by.shown(manifest.readings().get(source)), manifest.sources().get(source), Long::sum);
    }
    return rows.entrySet().stream().map(way -> way.getKey().line(way.getValue())).toList();
  }

  List<Refusal> firstRefusals() {
    return manifest.firstRefusals();
  }

  /** A few of the refused rows, each with its file, line and reason. */
  public List<String> refusedRows() {
    return manifest.firstRefusals().stream().map(Refusal::toString).toList();
  }

  /** The rows with their indexes, a partition for each part, in order. */
  public JavaRDD<TokenizedRow> rows(SparkSession spark) {
    Storage from = storage;
    String in = directory;
    List<Part> parts = manifest.parts();
    return JavaSparkContext.fromSparkContext(spark.sparkContext())
        .parallelize(parts, Math.max(1, parts.size()))
        .flatMap(part -> new PartIterator(from, Storage.join(in, part.file()), part.firstRow()));
  }

  private static final class PartIterator implements Iterator<TokenizedRow> {
    private final TokenizedRowFiles.Reader reader;
    private final long firstRow;
    private Optional<TokenizedRow> ahead;

    private PartIterator(Storage storage, String path, long firstRow) {
      this.firstRow = firstRow;
      this.reader = TokenizedRowFiles.reader(storage, path);
      TaskContext context = TaskContext.get();
      if (context != null) {
        // A task may stop before the last row.
        context.addTaskCompletionListener((TaskCompletionListener) ended -> reader.close());
      }
      this.ahead = reader.next();
    }

    @Override
    public boolean hasNext() {
      return ahead.isPresent();
    }

    @Override
    public TokenizedRow next() {
      TokenizedRow row = ahead.orElseThrow(NoSuchElementException::new);
      ahead = reader.next();
      return row.withIndex(firstRow + row.index());
    }
  }
}
