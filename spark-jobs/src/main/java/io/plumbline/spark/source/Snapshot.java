package io.plumbline.spark.source;

import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat;
import static org.apache.spark.sql.functions.conv;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.monotonically_increasing_id;
import static org.apache.spark.sql.functions.parse_json;
import static org.apache.spark.sql.functions.schema_of_variant_agg;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.shiftright;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.substring;
import static org.apache.spark.sql.functions.sum;
import static org.apache.spark.sql.functions.to_json;

import io.plumbline.base.Sha256;
import io.plumbline.data.ExampleShape;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.Source.RowOrder;
import io.plumbline.storage.Storage;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rows of a source as plain Parquet files:
 *
 * <pre>
 * OUTPUT/sources/unfinished-OWNER/      rows as they come out of the source; gone at the end
 * OUTPUT/sources/NAME-KEY/OWNER/        Parquet files, sorted; part-00000 first
 * OUTPUT/sources/NAME-KEY/manifest.json written last: which OWNER counts, and its files
 * </pre>
 *
 * <p>The source is read once, because a query that is read twice may give other rows the second
 * time. KEY is a hash of the rows (each by the SHA-256 of its JSON, added up, so that their order
 * and their partitions do not count) and of the schema. Only the first to write the manifest of a
 * KEY counts, so runs that write at once do not meet, and what a killed run left is never read.
 */
final class Snapshot {
  private static final Logger LOG = LoggerFactory.getLogger(Snapshot.class);

  private static final String UNFINISHED = "unfinished-";
  private static final int KEY_CHARS = 16;

  /** As much as one task of prepare reads at most. */
  private static final long FILE_BYTES = 32L << 20;

  /** monotonically_increasing_id has the partition above these bits and the row below. */
  private static final int ROW_BITS = 33;

  /** A digest is added up in pieces of so many hexadecimal digits, which a decimal holds. */
  private static final int PIECE_DIGITS = 15;

  private static final int PIECES = 4;

  /** Columns that training reads; others may arrive as JSON text where they fit no type. */
  private static final Set<String> MORE_COLUMNS = Set.of("margin", "label");

  /** A complete snapshot: where its files lie, and how many rows they hold. */
  record Taken(String path, long rows) {}

  private final SparkSession spark;
  private final Storage storage;
  private final Source source;
  private final String sources;
  private final String name;
  private final String owner = Owner.newName();

  private Snapshot(SparkSession spark, Storage storage, Source source, String name, String output) {
    this.spark = spark;
    this.storage = storage;
    this.source = source;
    this.sources = directory(output);
    this.name = name;
  }

  /** Where the snapshots of an output directory lie. */
  static String directory(String output) {
    return Storage.join(output, "sources");
  }

  /**
   * Reads a source and keeps its rows, or finds that it has kept the same rows before.
   *
   * @param rows of the source, not yet read
   */
  static Taken take(
      SparkSession spark,
      Storage storage,
      Source source,
      Dataset<Row> rows,
      String name,
      String output) {
    Snapshot snapshot = new Snapshot(spark, storage, source, name, output);
    return SourceFailures.reading(spark, source, () -> snapshot.take(rows));
  }

  /** Whether a path that {@link #take} returned still holds what its manifest says. */
  static boolean isComplete(Storage storage, String path) {
    int slash = path.lastIndexOf('/');
    return slash > 0
        && SnapshotManifest.find(storage, path.substring(0, slash))
            .filter(manifest -> manifest.directory().equals(path.substring(slash + 1)))
            .isPresent();
  }

  private Taken take(Dataset<Row> rows) {
    deleteAbandoned(sources, UNFINISHED);
    String unfinished = Storage.join(sources, UNFINISHED + owner);
    Taken taken;
    try {
      taken = take(rows, unfinished);
    } catch (RuntimeException e) {
      deleteAfter(unfinished, e);
      throw e;
    }
    storage.delete(unfinished);
    return taken;
  }

  /** Clears up without hiding what went wrong. */
  private void deleteAfter(String path, RuntimeException failure) {
    try {
      storage.delete(path);
    } catch (PlumblineException e) {
      failure.addSuppressed(e);
    }
  }

  private Taken take(Dataset<Row> rows, String unfinished) {
    List<String> leftOut = new ArrayList<>();
    List<String> variants = new ArrayList<>();
    Dataset<Row> arriving = arriving(rows, variants, leftOut);
    if (arriving.columns().length == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "%s has no column whose type training can read; name columns of text, numbers, lists or"
                  .formatted(SourceFailures.shown(source.given()))
              + " structs by sql:SELECT ...");
    }
    String position = unusedName(arriving);
    arriving
        .withColumn(position, monotonically_increasing_id())
        .write()
        .mode(SaveMode.ErrorIfExists)
        .option("compression", "snappy")
        .parquet(unfinished);
    StructType stagedSchema = arriving.schema().add(position, DataTypes.LongType);
    Dataset<Row> staged = spark.read().schema(stagedSchema).parquet(DataFiles.escaped(unfinished));
    Dataset<Row> typed = variantsTyped(staged, variants);

    Content content = content(typed, position);
    if (content.rows() == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "%s holds no row; give data with at least one"
              .formatted(SourceFailures.shown(source.given())));
    }
    if (!leftOut.isEmpty()) {
      LOG.warn(
          "{}: left out the columns {}, whose types Parquet cannot hold",
          SourceFailures.shown(source.given()),
          String.join(", ", leftOut));
    }
    return keep(typed, position, content, leftOut, fileCount(unfinished));
  }

  private Taken keep(
      Dataset<Row> typed, String position, Content content, List<String> leftOut, int files) {
    String directory = Storage.join(sources, name + "-" + content.key().substring(0, KEY_CHARS));
    Optional<SnapshotManifest> found = SnapshotManifest.find(storage, directory, content.key());
    if (found.isPresent()) {
      deleteAbandoned(directory, "");
      return taken(directory, found.get());
    }
    String path = Storage.join(directory, owner);
    SnapshotManifest manifest;
    try {
      write(typed, position, path, files);
      requireAllRows(path, typed.drop(position).schema(), content.rows());
      manifest =
          new SnapshotManifest(
              content.key(),
              source.given(),
              content.rows(),
              source.order(),
              content.schema(),
              leftOut,
              owner,
              files(path),
              Instant.now().toString());
      if (!SnapshotManifest.FORMAT.writeFirst(storage, directory, manifest)) {
        Optional<SnapshotManifest> first = SnapshotManifest.find(storage, directory, content.key());
        if (first.isPresent()) {
          storage.delete(path);
          return taken(directory, first.get());
        }
        // What is there lost its files or was damaged.
        SnapshotManifest.FORMAT.write(storage, directory, manifest);
      }
    } catch (RuntimeException e) {
      deleteAfter(path, e);
      throw e;
    }
    deleteAbandoned(directory, "");
    LOG.info(
        "Kept {} rows of {} in {}",
        content.rows(),
        source.kind() == SparkSources.Kind.QUERY ? "a query" : SourceFailures.shown(source.given()),
        path);
    return taken(directory, manifest);
  }

  private static Taken taken(String directory, SnapshotManifest manifest) {
    return new Taken(Storage.join(directory, manifest.directory()), manifest.rows());
  }

  /** The columns that can be kept, in the types in which they arrive; variants as JSON. */
  private static Dataset<Row> arriving(
      Dataset<Row> rows, List<String> variants, List<String> leftOut) {
    List<Column> columns = new ArrayList<>();
    for (StructField field : rows.schema().fields()) {
      Column column = col(quoted(field.name()));
      if (ArrivingTypes.holdVariant(field.dataType())) {
        columns.add(to_json(column, SparkSources.JSON_OPTIONS).as(field.name()));
        variants.add(field.name());
        continue;
      }
      Optional<DataType> type = ArrivingTypes.of(field.dataType());
      if (type.isPresent()) {
        columns.add(
            type.get().equals(field.dataType())
                ? column
                : column.cast(type.get()).as(field.name()));
      } else {
        leftOut.add(field.name() + " (" + field.dataType().simpleString() + ")");
      }
    }
    return rows.select(columns.toArray(Column[]::new));
  }

  /** Gives variants the one type that all their values have, so that they arrive as from JSON. */
  private Dataset<Row> variantsTyped(Dataset<Row> staged, List<String> variants) {
    if (variants.isEmpty()) {
      return staged;
    }
    Column[] schemas =
        variants.stream()
            .map(variant -> schema_of_variant_agg(parse_json(col(quoted(variant)))))
            .toArray(Column[]::new);
    Row found = staged.select(schemas).head();
    Map<String, Column> typed = new TreeMap<>();
    for (int i = 0; i < variants.size(); i++) {
      String variant = variants.get(i);
      Column json = col(quoted(variant));
      Optional<DataType> type = VariantSchemas.type(found.getString(i)).flatMap(ArrivingTypes::of);
      if (type.isPresent()) {
        typed.put(variant, parse_json(json).cast(type.get()));
      } else if (ExampleShape.COLUMNS.contains(variant) || MORE_COLUMNS.contains(variant)) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            "The variant column %s of %s holds values of several types (%s); give it one by CAST in"
                    .formatted(variant, SourceFailures.shown(source.given()), found.getString(i))
                + " sql:SELECT ...");
      } else {
        typed.put(variant, json);
      }
    }
    Column[] columns =
        Arrays.stream(staged.columns())
            .map(column -> typed.getOrDefault(column, col(quoted(column))).as(column))
            .toArray(Column[]::new);
    return staged.select(columns);
  }

  private record Content(String key, String schema, long rows) {}

  private Content content(Dataset<Row> typed, String position) {
    Dataset<Row> digests;
    if (source.order() == RowOrder.QUERY) {
      // Where rows have places, a row in another place is another content.
      digests =
          withPlaces(typed, position)
              .select(
                  sha2(
                          concat(digest(typed, position), lit(":"), col("place").cast("string"))
                              .cast("binary"),
                          256)
                      .as("digest"));
    } else {
      digests = typed.select(digest(typed, position).as("digest"));
    }
    Column[] sums = new Column[PIECES];
    for (int i = 0; i < PIECES; i++) {
      Column piece = substring(col("digest"), PIECE_DIGITS * i + 1, PIECE_DIGITS);
      sums[i] = sum(conv(piece, 16, 10).cast(DataTypes.createDecimalType(20, 0)));
    }
    Row totals = digests.agg(count(lit(1)), sums).head();
    String schema = schemaText(typed.drop(position).schema());
    StringBuilder text =
        new StringBuilder(
            SnapshotManifest.FORMAT.format() + " " + SnapshotManifest.FORMAT.version() + "\n");
    text.append(source.order()).append('\n').append(schema).append('\n');
    for (int i = 0; i <= PIECES; i++) {
      text.append(totals.get(i)).append('\n');
    }
    return new Content(Sha256.hex(text.toString()), schema, totals.getLong(0));
  }

  /** Names and types; whether a column may be null, and comments, are no part of the content. */
  private static String schemaText(StructType schema) {
    return Arrays.stream(schema.fields())
        .map(field -> quoted(field.name()) + " " + field.dataType().catalogString())
        .collect(Collectors.joining(", "));
  }

  /** The SHA-256 of a row's JSON, in hexadecimal digits. */
  private static Column digest(Dataset<Row> typed, String position) {
    Column[] columns =
        Arrays.stream(typed.columns())
            .filter(column -> !column.equals(position))
            .map(column -> col(quoted(column)))
            .toArray(Column[]::new);
    return sha2(to_json(struct(columns), SparkSources.JSON_OPTIONS).cast("binary"), 256);
  }

  /** Adds the column {@code place}: 0, 1, 2... in the order of {@code position}. */
  private Dataset<Row> withPlaces(Dataset<Row> typed, String position) {
    Map<Long, Long> counts = new TreeMap<>();
    typed
        .groupBy(shiftright(col(position), ROW_BITS).as("partition"))
        .agg(count(lit(1)))
        .collectAsList()
        .forEach(row -> counts.put(row.getLong(0), row.getLong(1)));
    List<Row> firsts = new ArrayList<>();
    long before = 0;
    for (Map.Entry<Long, Long> partition : counts.entrySet()) {
      firsts.add(RowFactory.create(partition.getKey(), before));
      before += partition.getValue();
    }
    Dataset<Row> first =
        spark.createDataFrame(
            firsts,
            new StructType().add("partition", DataTypes.LongType).add("first", DataTypes.LongType));
    Column inPartition = col(position).bitwiseAND(lit((1L << ROW_BITS) - 1));
    return typed
        .join(
            broadcast(first),
            shiftright(typed.col(position), ROW_BITS).equalTo(first.col("partition")))
        .withColumn("place", inPartition.plus(first.col("first")));
  }

  private void write(Dataset<Row> typed, String position, String path, int files) {
    String by = position;
    Dataset<Row> rows = typed;
    if (source.order() == RowOrder.CONTENT) {
      by = position + "_digest";
      rows = typed.withColumn(by, digest(typed, position));
    }
    rows.repartitionByRange(files, col(by))
        .sortWithinPartitions(col(by))
        .drop(by, position)
        .write()
        .mode(SaveMode.ErrorIfExists)
        .option("compression", "snappy")
        .option("maxRecordsPerFile", 0)
        .parquet(path);
  }

  private int fileCount(String unfinished) {
    long bytes = storage.expand(unfinished).stream().mapToLong(Storage.Entry::length).sum();
    return (int) Math.max(1, Math.min(10_000, (bytes + FILE_BYTES - 1) / FILE_BYTES));
  }

  private List<SnapshotManifest.File> files(String path) {
    return storage.expand(path).stream()
        .map(entry -> new SnapshotManifest.File(entry.name(), entry.length()))
        .toList();
  }

  private void requireAllRows(String path, StructType schema, long rows) {
    long written = spark.read().schema(schema).parquet(DataFiles.escaped(path)).count();
    if (written != rows) {
      throw new PlumblineException(
          ErrorCode.STORAGE_FAILED,
          "%s holds %d rows where %d were written; check the file system and run again"
              .formatted(path, written, rows));
    }
  }

  /** Deletes what killed runs left, except the files that a manifest names. */
  private void deleteAbandoned(String directory, String prefix) {
    Optional<String> kept =
        prefix.isEmpty()
            ? SnapshotManifest.find(storage, directory).map(SnapshotManifest::directory)
            : Optional.empty();
    for (Storage.Entry entry : storage.list(directory)) {
      String child = entry.name();
      if (entry.directory()
          && child.startsWith(prefix)
          && !kept.equals(Optional.of(child))
          && Owner.isGone(child.substring(prefix.length()))) {
        storage.delete(entry.path());
      }
    }
  }

  private static String unusedName(Dataset<Row> rows) {
    Set<String> taken = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    taken.addAll(Arrays.asList(rows.columns()));
    String name = "plumbline_position";
    while (taken.contains(name) || taken.contains(name + "_digest")) {
      name += "_";
    }
    return name;
  }

  private static String quoted(String column) {
    return "`" + column.replace("`", "``") + "`";
  }
}
