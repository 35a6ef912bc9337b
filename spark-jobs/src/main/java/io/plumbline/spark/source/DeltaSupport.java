package io.plumbline.spark.source;

import io.plumbline.storage.Storage;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Whether a session reads Delta rightly. With Delta's jar and without its extension, Spark reads
 * Delta tables and fails at nothing, but rows that deletion vectors delete come back.
 */
final class DeltaSupport {
  private static final String DELTA_CLASS = "org.apache.spark.sql.delta.DeltaLog";

  private final SparkSession spark;
  private final Storage storage;
  private final Source source;

  DeltaSupport(SparkSession spark, Storage storage, Source source) {
    this.spark = spark;
    this.storage = storage;
    this.source = source;
  }

  /**
   * Fails with CLUSTER_UNFIT where the rows come from Delta and the session lacks its extension.
   */
  void require(Dataset<Row> rows) {
    if (source.kind() == SparkSources.Kind.DELTA) {
      requireExtension(source.text());
    } else if (jarIsThere() && !extensionIsConfigured()) {
      deltaTables(rows).forEach(this::requireExtension);
    }
  }

  private boolean jarIsThere() {
    try {
      Class.forName(
          DELTA_CLASS, /* initialize= */ false, Thread.currentThread().getContextClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  private boolean extensionIsConfigured() {
    return spark
        .conf()
        .get("spark.sql.extensions", "")
        .toLowerCase(Locale.ROOT)
        .contains("deltasparksessionextension");
  }

  /** The directories of the Delta tables that the rows come from. */
  private Set<String> deltaTables(Dataset<Row> rows) {
    Set<String> directories = new TreeSet<>();
    String[] files = SourceFailures.analysing(spark, source, rows::inputFiles);
    for (String file : files) {
      // Spark gives URIs, with signs that a URI may not hold in their escapes.
      directories.add(new Path(URI.create(file)).getParent().toString());
    }
    Set<String> tables = new TreeSet<>();
    TableDirectories lookedUp = new TableDirectories(storage);
    directories.forEach(directory -> lookedUp.deltaTableOf(directory).ifPresent(tables::add));
    return tables;
  }

  /**
   * Only Delta's own parser, which the extension brings, knows this command; Spark's takes it for a
   * column of a table called DETAIL.
   */
  private void requireExtension(String path) {
    String command = "DESCRIBE DETAIL delta.`" + path.replace("`", "``") + "`";
    SourceFailures.analysing(
        spark,
        source,
        () -> {
          List<String> columns;
          try {
            columns = List.of(spark.sql(command).columns());
          } catch (Exception e) {
            if (SourceFailures.isParsing(e)
                || SourceFailures.condition(e).startsWith("TABLE_OR_VIEW_NOT_FOUND")) {
              throw SourceFailures.unfit(spark, source, e);
            }
            throw e;
          }
          if (!columns.contains("numFiles")) {
            throw SourceFailures.unfit(spark, source, null);
          }
          return columns;
        });
  }
}
