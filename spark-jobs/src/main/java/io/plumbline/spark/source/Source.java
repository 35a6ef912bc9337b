package io.plumbline.spark.source;

import io.plumbline.data.ExampleShape;
import io.plumbline.data.RowLayout;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.source.DataFiles.Purpose;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * One of the user's values of {@code --data}, told apart.
 *
 * @param given as the user wrote it
 * @param text what stands behind the prefix: a path, a table's name, a query
 */
record Source(SparkSources.Kind kind, String given, String text) {
  private static final String TABLE = "table:";
  private static final String QUERY = "sql:";
  static final String DELTA = "delta:";
  private static final String ICEBERG = "iceberg:";
  private static final String CSV = "csv:";

  /** What else than commas may stand between fields. */
  private static final Pattern SEPARATOR = Pattern.compile("[;\t|]");

  /** Whether the rows come out of Spark in the order of their content or of the query. */
  enum RowOrder {
    CONTENT,
    QUERY
  }

  /** Whether a value names a table or is a query, by its prefix. */
  static boolean hasNoPath(String given) {
    return given.startsWith(TABLE) || given.startsWith(QUERY) || given.startsWith(ICEBERG);
  }

  /**
   * Tells what a value names. Fails with BAD_USAGE for a lakehouse table that is given by its
   * files.
   */
  static Source of(Storage storage, String given) {
    if (given.startsWith(TABLE)) {
      return named(SparkSources.Kind.TABLE, given, TABLE, "main.chat.votes");
    }
    if (given.startsWith(QUERY)) {
      return named(SparkSources.Kind.QUERY, given, QUERY, "SELECT ...");
    }
    if (given.startsWith(DELTA)) {
      Source delta = named(SparkSources.Kind.DELTA, given, DELTA, "/tables/votes");
      // Delta takes only paths from the root on for paths, not for names.
      return new Source(delta.kind(), given, storage.absolute(delta.text()));
    }
    if (DelimitedFiles.isNamedBy(given)) {
      DelimitedFiles.of(given);
      return new Source(SparkSources.Kind.DELIMITED, given, given);
    }
    if (given.startsWith(ICEBERG)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          SourceFailures.shown(given)
              + " is no form of a source; name an Iceberg table by table:, as in table:main.chat.votes");
    }
    TableDirectories directories = new TableDirectories(storage);
    Optional<TableDirectories.Format> format = directories.format(given);
    if (format.isPresent()) {
      if (format.get() == TableDirectories.Format.DELTA) {
        return new Source(SparkSources.Kind.DELTA, given, storage.absolute(given));
      }
      throw TableDirectories.onlyByName(given, format.get());
    }
    directories.requirePlainFiles(given);
    return new Source(SparkSources.Kind.FILES, given, given);
  }

  private static Source named(SparkSources.Kind kind, String given, String prefix, String form) {
    String text = given.substring(prefix.length()).strip();
    if (text.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE, given + " names nothing; write it as in " + prefix + form);
    }
    return new Source(kind, given, text);
  }

  RowOrder order() {
    return switch (kind) {
      case QUERY -> QueryText.of(text).endsInOrderBy() ? RowOrder.QUERY : RowOrder.CONTENT;
      case DELIMITED -> RowOrder.QUERY;
      case FILES, TABLE, DELTA -> RowOrder.CONTENT;
    };
  }

  /**
   * The rows, analysed and not read. Only files of text are looked through, for bytes of another
   * encoding.
   *
   * @param purpose which of several splits of files is wanted
   * @param notes told what a user would not expect of files
   */
  Dataset<Row> rows(SparkSession spark, Storage storage, Purpose purpose, Consumer<String> notes) {
    return analysed(spark, storage, files -> files.rows(spark, storage, purpose, notes));
  }

  /** The columns of the same rows. */
  StructType schema(SparkSession spark, Storage storage, Purpose purpose) {
    return analysed(spark, storage, files -> files.columns(spark, storage, purpose)).schema();
  }

  private Dataset<Row> analysed(
      SparkSession spark, Storage storage, Function<DelimitedFiles, Dataset<Row>> delimited) {
    Dataset<Row> rows =
        switch (kind) {
          case TABLE -> table(spark);
          case QUERY -> query(spark);
          case DELTA -> delta(spark, storage);
          case DELIMITED -> delimited(spark, delimited);
          case FILES -> throw new IllegalStateException(given + " is read as files");
        };
    requireDistinctColumns(spark, rows);
    new DeltaSupport(spark, storage, this).require(rows);
    return rows;
  }

  private Dataset<Row> table(SparkSession spark) {
    return SourceFailures.analysing(
        spark,
        this,
        () -> {
          try {
            Dataset<Row> rows = spark.read().table(text);
            rows.schema();
            return rows;
          } catch (Exception e) {
            if (SourceFailures.condition(e).startsWith("TABLE_OR_VIEW_NOT_FOUND")) {
              throw tableNotFound(spark, e);
            }
            throw e;
          }
        });
  }

  private PlumblineException tableNotFound(SparkSession spark, Exception cause) {
    List<String> parts = nameParts();
    String schema = String.join(".", parts.subList(0, parts.size() - 1));
    List<String> near = NearNames.among(tables(spark, schema), parts.get(parts.size() - 1));
    String prefix = schema.isEmpty() ? TABLE : TABLE + schema + ".";
    return new PlumblineException(
        ErrorCode.INPUT_NOT_FOUND,
        "There is no table %s; %s"
            .formatted(
                text,
                near.isEmpty()
                    ? "check the name with SHOW TABLES" + (schema.isEmpty() ? "" : " IN " + schema)
                    : "did you mean "
                        + String.join(" or ", near.stream().map(name -> prefix + name).toList())
                        + "?"),
        cause);
  }

  /** The names in a schema, none where it cannot be listed. */
  private static Set<String> tables(SparkSession spark, String schema) {
    Set<String> names = new TreeSet<>();
    try {
      String command = schema.isEmpty() ? "SHOW TABLES" : "SHOW TABLES IN " + schema;
      for (Row row : spark.sql(command).select("tableName").collectAsList()) {
        names.add(row.getString(0));
      }
    } catch (Exception e) {
      // The names only help with a failure that is told anyway.
      org.slf4j.LoggerFactory.getLogger(Source.class)
          .debug("The tables in {} cannot be listed", schema, e);
    }
    return names;
  }

  /** The parts of a name, each still in its quotes. */
  private List<String> nameParts() {
    List<String> parts = new ArrayList<>();
    int start = 0;
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) == '`') {
        quoted = !quoted;
      } else if (text.charAt(i) == '.' && !quoted) {
        parts.add(text.substring(start, i));
        start = i + 1;
      }
    }
    parts.add(text.substring(start));
    return parts;
  }

  private Dataset<Row> query(SparkSession spark) {
    QueryText query = QueryText.of(text);
    if (!query.beginsLikeQuery()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "%s is not a query; write sql: with a SELECT, which may begin with WITH"
              .formatted(SourceFailures.shown(given)));
    }
    return SourceFailures.analysing(
        spark,
        this,
        () -> {
          // A command would be run by the call below; as a subquery it does not even parse.
          spark.sql(query.asSubquery()).schema();
          Dataset<Row> rows = spark.sql(query.sql());
          rows.schema();
          return rows;
        });
  }

  private Dataset<Row> delta(SparkSession spark, Storage storage) {
    if (!storage.isDirectory(Storage.join(text, TableDirectories.DELTA_LOG))) {
      throw new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "%s is no Delta table: there is no %s; check the path"
              .formatted(
                  SourceFailures.shown(text),
                  SourceFailures.shown(Storage.join(text, TableDirectories.DELTA_LOG))));
    }
    return SourceFailures.analysing(
        spark,
        this,
        () -> {
          Dataset<Row> rows = spark.read().format("delta").load(text);
          rows.schema();
          return rows;
        });
  }

  private Dataset<Row> delimited(
      SparkSession spark, Function<DelimitedFiles, Dataset<Row>> delimited) {
    return SourceFailures.analysing(
        spark,
        this,
        () -> {
          Dataset<Row> rows = delimited.apply(DelimitedFiles.of(text));
          rows.schema();
          return rows;
        });
  }

  private void requireDistinctColumns(SparkSession spark, Dataset<Row> rows) {
    boolean sensitive = Boolean.parseBoolean(spark.conf().get("spark.sql.caseSensitive", "false"));
    Set<String> seen = new HashSet<>();
    for (String column : rows.columns()) {
      if (!seen.add(sensitive ? column : column.toLowerCase(Locale.ROOT))) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "%s has the column %s more than once; name the columns that you want, with AS where two"
                    .formatted(SourceFailures.shown(given), column)
                + " are called alike");
      }
    }
  }

  /**
   * Fails where no column has a name that training reads.
   *
   * @param renamed columns that are read under other names
   */
  void requireKnownColumn(Dataset<Row> rows, Set<String> renamed) {
    List<String> columns = List.of(rows.columns());
    if (columns.stream()
        .noneMatch(column -> RowLayout.COLUMNS.contains(column) || renamed.contains(column))) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "%s has the columns %s and none that training reads (such as %s); %s"
              .formatted(
                  SourceFailures.shown(given),
                  String.join(", ", columns),
                  String.join(", ", new TreeSet<>(ExampleShape.COLUMNS)),
                  remedy(columns)));
    }
  }

  private String remedy(List<String> columns) {
    Matcher separator = SEPARATOR.matcher(columns.get(0));
    if (columns.size() == 1 && given.startsWith(CSV) && separator.find()) {
      String sign = separator.group();
      String path = given.substring(CSV.length());
      return sign.equals("\t")
          ? "tabs part them: name it tsv:" + path
          : "%s parts them: name it csv{\"sep\":\"%s\"}:%s".formatted(sign, sign, path);
    }
    return "say which is which by --columns, as in --columns prompt=question";
  }
}
