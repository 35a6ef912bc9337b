package io.plumbline.spark.source;

import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.storage.StorageLevel;

/**
 * What the values of {@code --data} may name besides files:
 *
 * <ul>
 *   <li>{@code table:CATALOG.SCHEMA.NAME}, any table of the session's catalogs;
 *   <li>{@code sql:SELECT ...}, a query over any source of Spark's;
 *   <li>{@code delta:PATH}, or a directory that is a Delta table;
 *   <li>{@code csv:PATH} and {@code tsv:PATH}, with options of Spark's reader as in {@code
 *       csv{"sep":";"}:PATH}.
 * </ul>
 *
 * <p>A source is snapshotted as Parquet files ({@link Snapshot}), so that everything behind reads
 * files, and a run that is resumed trains on the rows that it began with.
 */
public final class SparkSources {
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES);

  /** What a value names. */
  public enum Kind {
    FILES,
    TABLE,
    QUERY,
    DELTA,
    /** CSV or TSV. */
    DELIMITED
  }

  /** The number of rows of files, which nobody has counted. */
  public static final long NOT_COUNTED = -1;

  /**
   * A value of {@code --data} as files.
   *
   * @param path of files: for {@link Kind#FILES} what was given, otherwise a directory of Parquet
   * @param given as the user wrote it
   * @param rows in a snapshot; {@link #NOT_COUNTED} for {@link Kind#FILES}
   */
  public record Resolved(String path, String given, Kind kind, long rows) {}

  /** How rows become JSON and JSON becomes rows: an instant is one text in any session. */
  public static final Map<String, String> JSON_OPTIONS =
      Map.of(
          "ignoreNullFields", "false",
          "timeZone", "UTC",
          "timestampFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
          "timestampNTZFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS");

  private record Resolutions(List<Resolved> sources) {}

  private SparkSources() {}

  /** The path in a value that names files; of another source the value as it is. */
  public static String pathIn(String given) {
    return DelimitedFiles.pathIn(given);
  }

  /**
   * A value with another path in the place of its own; tables and queries, which have none, and
   * what is of no form that is known stay as they are.
   */
  public static String mapPath(String given, UnaryOperator<String> change) {
    if (Source.hasNoPath(given)) {
      return given;
    }
    if (given.startsWith(Source.DELTA)) {
      return Source.DELTA + change.apply(given.substring(Source.DELTA.length()).strip());
    }
    if (!isDelimited(given)) {
      return change.apply(given);
    }
    try {
      return DelimitedFiles.withPath(given, change.apply(pathIn(given)));
    } catch (PlumblineException e) {
      return given;
    }
  }

  /**
   * Whether a value is of the form {@code csv:PATH} or {@code tsv:PATH}, with options or without.
   */
  public static boolean isDelimited(String given) {
    return DelimitedFiles.isNamedBy(given);
  }

  /**
   * Whether a value names files, or a directory that may be a table, rather than a table or a
   * query.
   */
  public static boolean namesFiles(String given) {
    return !Source.hasNoPath(given) && !given.startsWith(Source.DELTA);
  }

  /** What a value names, by its words and by what stands at its path. */
  public static Kind kind(Storage storage, String given) {
    return Source.of(storage, given).kind();
  }

  /**
   * Makes files of everything that is given: files stay as they are, a source is read once and kept
   * under {@code OUTPUT/sources/NAME-KEY/}, where the same rows are found again.
   *
   * @param purpose which of several splits of files is wanted
   * @param name what the data is for, such as {@code train}: a part of the directory's name
   * @param notes told what a user would not expect of files that are read here
   * @throws PlumblineException BAD_USAGE where a value or a query makes no sense, INPUT_NOT_FOUND
   *     where a source is not there or may not be read, CLUSTER_UNFIT where Spark lacks the jars
   *     for it, BAD_DATA where it holds no row, STORAGE_FAILED where reading or writing failed
   */
  public static List<Resolved> resolve(
      SparkSession spark,
      Storage storage,
      List<String> data,
      Purpose purpose,
      String name,
      String output,
      Consumer<String> notes) {
    List<Source> sources = data.stream().map(given -> Source.of(storage, given)).toList();
    List<Resolved> resolved = new ArrayList<>();
    for (Source source : sources) {
      if (source.kind() == Kind.FILES) {
        resolved.add(new Resolved(source.given(), source.given(), Kind.FILES, NOT_COUNTED));
      } else {
        Snapshot.Taken taken =
            Snapshot.take(
                spark, storage, source, source.rows(spark, storage, purpose, notes), name, output);
        resolved.add(new Resolved(taken.path(), source.given(), source.kind(), taken.rows()));
      }
    }
    if (resolved.stream().anyMatch(one -> one.kind() != Kind.FILES)) {
      storage.writeText(record(name, output), json(new Resolutions(resolved)));
    }
    return resolved;
  }

  /**
   * What the last {@link #resolve} of the same data, name and output found, without a look at the
   * sources: a run that continues reads the rows that it began with, though the table may have
   * changed. Empty where there was none, or where a snapshot is not complete any more.
   */
  public static Optional<List<Resolved>> resolvedBefore(
      Storage storage, List<String> data, String name, String output) {
    String path = record(name, output);
    if (!storage.exists(path)) {
      return Optional.empty();
    }
    List<Resolved> before;
    try {
      before = JSON.readValue(storage.readText(path), Resolutions.class).sources();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
    boolean same =
        before != null
            && before.stream().map(Resolved::given).toList().equals(data)
            && before.stream()
                .allMatch(
                    one -> one.kind() == Kind.FILES || Snapshot.isComplete(storage, one.path()));
    return same ? Optional.of(before) : Optional.empty();
  }

  /**
   * What can be known to be wrong with data without reading it, in a sentence each: names that are
   * not there, queries that fail analysis, jars that are missing. Files are only looked at for
   * being a table's; whether they are there is not checked here.
   *
   * @param renamed columns that are read under other names
   */
  public static List<String> check(
      SparkSession spark,
      Storage storage,
      List<String> data,
      Purpose purpose,
      Set<String> renamed) {
    List<String> sentences = new ArrayList<>();
    for (String given : data) {
      try {
        require(spark, storage, given, purpose, renamed);
      } catch (PlumblineException e) {
        sentences.add(e.getMessage());
      }
    }
    return sentences;
  }

  /** The check of one value, as a failure with its code. */
  public static void require(
      SparkSession spark, Storage storage, String given, Purpose purpose, Set<String> renamed) {
    Source source = Source.of(storage, given);
    if (source.kind() != Kind.FILES) {
      source.requireKnownColumn(source.rows(spark, storage, purpose, note -> {}), renamed);
    }
  }

  /** The columns of a source that is no files, with their types; its rows are not read. */
  public static StructType schema(
      SparkSession spark, Storage storage, String given, Purpose purpose) {
    return Source.of(storage, given).schema(spark, storage, purpose);
  }

  /**
   * The rows of a source that is no files, as values by column, without a snapshot: they are read
   * once and kept by the executors. Each is what the same row in a Parquet file would be. They are
   * sorted by their text, so that their order does not depend on the cluster; those of a query that
   * ends in {@code ORDER BY} stay in its order.
   *
   * @param notes told what a user would not expect of files
   */
  public static JavaRDD<Map<String, Object>> rows(
      SparkSession spark, Storage storage, String given, Purpose purpose, Consumer<String> notes) {
    Source source = Source.of(storage, given);
    Dataset<Row> rows = source.rows(spark, storage, purpose, notes);
    return SourceFailures.reading(
        spark,
        source,
        () -> {
          JavaRDD<String> json =
              rows.select(to_json(struct("*"), JSON_OPTIONS))
                  .as(Encoders.STRING())
                  .javaRDD()
                  .persist(StorageLevel.MEMORY_AND_DISK());
          // Read here, where a failure can be told as the source's.
          json.count();
          JavaRDD<String> ordered =
              source.order() == Source.RowOrder.QUERY
                  ? json
                  : json.sortBy(text -> text, true, json.getNumPartitions());
          return ordered.map(new ArrivingValues(rows.schema()));
        });
  }

  private static String record(String name, String output) {
    return Storage.join(Snapshot.directory(output), name + ".json");
  }

  private static String json(Resolutions resolutions) {
    try {
      return JSON.writeValueAsString(resolutions) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("resolutions are plain data", e);
    }
  }
}
