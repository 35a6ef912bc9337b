package io.plumbline.spark.source;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.FileNotFoundException;
import java.nio.file.AccessDeniedException;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.apache.hadoop.security.AccessControlException;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.SparkSession;

/** What Spark throws about a source, as one sentence without a value of any row in it. */
final class SourceFailures {
  private static final int CAUSES = 32;
  private static final int REASON_CHARS = 300;
  private static final int GIVEN_CHARS = 120;

  /** Old S3 paths may carry a key. */
  private static final Pattern CREDENTIALS = Pattern.compile("//([^/:@\\s]*):[^/@\\s]+@");

  private static final Pattern BLANKS = Pattern.compile("\\s+");
  private static final Pattern SQL_STATE = Pattern.compile("\\s*SQLSTATE: [0-9A-Z]{5}");
  private static final Pattern CONDITION = Pattern.compile("^\\[[A-Z0-9_.]+]\\s*");

  private SourceFailures() {}

  /** The source as it was given, on one line, not too long, and without a key. */
  static String shown(String given) {
    String line = BLANKS.matcher(withoutKey(given.strip())).replaceAll(" ");
    return line.length() <= GIVEN_CHARS ? line : line.substring(0, GIVEN_CHARS - 3) + "...";
  }

  private static String withoutKey(String text) {
    return CREDENTIALS.matcher(text).replaceAll("//$1:***@");
  }

  /** Runs what analyses a source: no row has been read, so Spark's reason names none. */
  static <T> T analysing(SparkSession spark, Source source, Supplier<T> action) {
    try {
      return action.get();
    } catch (PlumblineException e) {
      throw e;
    } catch (Exception e) {
      throw analysis(spark, source, e);
    } catch (LinkageError e) {
      // Jars that were built for another Spark.
      throw unfit(spark, source, e);
    }
  }

  /** Runs what reads rows. */
  static <T> T reading(SparkSession spark, Source source, Supplier<T> action) {
    try {
      return action.get();
    } catch (PlumblineException e) {
      throw e;
    } catch (Exception e) {
      throw reading(spark, source, e);
    } catch (LinkageError e) {
      throw unfit(spark, source, e);
    }
  }

  private static PlumblineException analysis(SparkSession spark, Source source, Exception e) {
    Optional<PlumblineException> known = known(spark, source, e);
    if (known.isPresent()) {
      return known.get();
    }
    String condition = condition(e);
    if (condition.startsWith("TABLE_OR_VIEW_NOT_FOUND")
        || condition.startsWith("SCHEMA_NOT_FOUND")
        || condition.startsWith("CATALOG_NOT_FOUND")) {
      return new PlumblineException(
          ErrorCode.INPUT_NOT_FOUND,
          "%s names what is not there: %s; check the names with SHOW TABLES"
              .formatted(shown(source.given()), reason(e)),
          e);
    }
    if (isParsing(e)) {
      return new PlumblineException(
          ErrorCode.BAD_USAGE,
          "%s cannot be parsed: %s; fix the %s"
              .formatted(
                  shown(source.given()),
                  reason(e),
                  source.kind() == SparkSources.Kind.QUERY
                      ? "query, and quote it so that the shell leaves it alone"
                      : "name, in which dots stand between catalog, schema and table and `...` around unusual parts"),
          e);
    }
    return new PlumblineException(
        find(e, AnalysisException.class).isPresent()
            ? ErrorCode.BAD_USAGE
            : ErrorCode.INPUT_NOT_FOUND,
        "%s cannot be read: %s; fix the %s"
            .formatted(
                shown(source.given()),
                reason(e),
                switch (source.kind()) {
                  case QUERY -> "query";
                  case DELIMITED ->
                      "files, or the options behind " + source.given().substring(0, 3);
                  case FILES, TABLE, DELTA -> "table, or name another one";
                }),
        e);
  }

  private static PlumblineException reading(SparkSession spark, Source source, Exception e) {
    Optional<PlumblineException> known = known(spark, source, e);
    if (known.isPresent()) {
      return known.get();
    }
    String condition = condition(e);
    String reason = condition.isEmpty() ? e.getClass().getSimpleName() : condition;
    boolean data = sqlState(e).startsWith("22");
    if (source.kind() == SparkSources.Kind.DELIMITED
        && (data || reason.contains("MALFORMED") || reason.startsWith("FAILED_READ_FILE"))) {
      return new PlumblineException(
          ErrorCode.BAD_DATA,
          ("%s has a line with more or fewer fields than its header, or a value of another type"
                  + " (%s); fix it, or say how the file is written, as in csv{\"quote\":\"'\"}:PATH")
              .formatted(shown(source.given()), reason),
          e);
    }
    return new PlumblineException(
        data ? ErrorCode.BAD_DATA : ErrorCode.STORAGE_FAILED,
        "%s could not be read to its end (%s); %s"
            .formatted(
                shown(source.given()),
                reason,
                data
                    ? "a value does not fit what the query does with it, so fix the query or the"
                        + " data (Spark's log says more)"
                    : "Spark's log says why; fix that and run again"),
        e);
  }

  /** What is told in the same words whenever it turns up. */
  private static Optional<PlumblineException> known(
      SparkSession spark, Source source, Exception e) {
    Optional<PlumblineException> ours = find(e, PlumblineException.class);
    if (ours.isPresent()) {
      return Optional.of(new PlumblineException(ours.get().code(), ours.get().getMessage(), e));
    }
    if (find(e, InterruptedException.class).isPresent()) {
      Thread.currentThread().interrupt();
      return Optional.of(
          new PlumblineException(
              ErrorCode.INTERRUPTED,
              "Interrupted while reading %s; run the command again"
                  .formatted(shown(source.given())),
              e));
    }
    String condition = condition(e);
    if (missingDelta(source, condition, e)) {
      return Optional.of(unfit(spark, source, e));
    }
    if (condition.equals("DATA_SOURCE_NOT_FOUND")) {
      return Optional.of(
          new PlumblineException(
              ErrorCode.CLUSTER_UNFIT,
              "%s needs a data source that this Spark has no jar for: %s; add the jar by --packages"
                  .formatted(shown(source.given()), reason(e)),
              e));
    }
    if (find(e, AccessControlException.class).isPresent()
        || find(e, AccessDeniedException.class).isPresent()
        || condition.contains("PERMISSION")
        || sqlState(e).equals("42501")) {
      return Optional.of(
          new PlumblineException(
              ErrorCode.INPUT_NOT_FOUND,
              "This user may not read %s; grant SELECT on it and read access to its files, or name"
                      .formatted(shown(source.given()))
                  + " another source",
              e));
    }
    if (condition.equals("DELTA_MISSING_DELTA_TABLE")
        || condition.equals("DELTA_TABLE_NOT_FOUND")
        || condition.equals("DELTA_PATH_DOES_NOT_EXIST")
        || condition.equals("DELTA_PATH_BASED_ACCESS_TO_NON_DELTA")) {
      return Optional.of(
          new PlumblineException(
              ErrorCode.INPUT_NOT_FOUND,
              "%s names a path that is no Delta table; check the path"
                  .formatted(shown(source.given())),
              e));
    }
    if (find(e, FileNotFoundException.class).isPresent()
        || condition.equals("PATH_NOT_FOUND")
        || condition.endsWith("FILE_NOT_EXIST")) {
      return Optional.of(
          new PlumblineException(
              ErrorCode.INPUT_NOT_FOUND,
              "%s has a file that is not there; repair the table, or run again if somebody was"
                      .formatted(shown(source.given()))
                  + " writing to it",
              e));
    }
    return Optional.empty();
  }

  private static boolean missingDelta(Source source, String condition, Exception e) {
    if (condition.equals("DELTA_CONFIGURE_SPARK_SESSION_WITH_EXTENSION_AND_CATALOG")) {
      return true;
    }
    boolean noSource =
        condition.equals("DATA_SOURCE_NOT_FOUND")
            || condition.equals("UNSUPPORTED_DATASOURCE_FOR_DIRECT_QUERY")
            || find(e, ClassNotFoundException.class).isPresent();
    return noSource
        && (source.kind() == SparkSources.Kind.DELTA
            || String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("delta"));
  }

  /** A Spark without Delta, or with a Delta of another Spark. */
  static PlumblineException unfit(SparkSession spark, Source source, Throwable e) {
    if (e instanceof LinkageError && source.kind() != SparkSources.Kind.DELTA) {
      return new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "%s needs jars that do not fit Spark %s (%s); take those that were built for it"
              .formatted(shown(source.given()), spark.version(), e.getClass().getSimpleName()),
          e);
    }
    return new PlumblineException(
        ErrorCode.CLUSTER_UNFIT,
        ("%s needs Delta, which this Spark does not have; add --packages"
                + " io.delta:delta-spark_2.13:VERSION (the one built for Spark %s) and --conf"
                + " spark.sql.extensions=io.delta.sql.DeltaSparkSessionExtension --conf"
                + " spark.sql.catalog.spark_catalog=org.apache.spark.sql.delta.catalog.DeltaCatalog")
            .formatted(shown(source.given()), spark.version()),
        e);
  }

  /** Whether Spark could not parse what it was given. */
  static boolean isParsing(Exception e) {
    return condition(e).startsWith("PARSE_") || sqlState(e).equals("42601");
  }

  /** The outermost failure that Spark has a name for. */
  private static Optional<SparkThrowable> telling(Throwable e) {
    int depth = 0;
    for (Throwable cause = e; cause != null && depth < CAUSES; cause = cause.getCause()) {
      if (cause instanceof SparkThrowable named && named.getCondition() != null) {
        return Optional.of(named);
      }
      depth++;
    }
    return Optional.empty();
  }

  /** Spark's name for what went wrong, empty where it has none. */
  static String condition(Throwable e) {
    return telling(e).map(SparkThrowable::getCondition).orElse("");
  }

  private static String sqlState(Throwable e) {
    return telling(e).map(SparkThrowable::getSqlState).map(String::valueOf).orElse("");
  }

  /** The first line of Spark's message, which is all but the plan and the query. */
  private static String reason(Throwable e) {
    Throwable telling = telling(e).map(Throwable.class::cast).orElse(e);
    String line = String.valueOf(telling.getMessage()).strip().lines().findFirst().orElse("");
    line = SQL_STATE.matcher(withoutKey(line)).replaceAll("");
    String plain = CONDITION.matcher(line).replaceFirst("");
    // "; line 1 pos 7" and the plan that may follow are of no use without the query.
    int position = plain.indexOf("; line ");
    plain = (position < 0 ? plain : plain.substring(0, position)).strip();
    while (plain.endsWith(".") || plain.endsWith(";") || plain.endsWith(":")) {
      plain = plain.substring(0, plain.length() - 1).strip();
    }
    if (plain.isEmpty()) {
      plain = telling.getClass().getSimpleName();
    }
    return plain.length() <= REASON_CHARS ? plain : plain.substring(0, REASON_CHARS - 3) + "...";
  }

  private static <T> Optional<T> find(Throwable e, Class<T> type) {
    int depth = 0;
    for (Throwable cause = e; cause != null && depth < CAUSES; cause = cause.getCause()) {
      if (type.isInstance(cause)) {
        return Optional.of(type.cast(cause));
      }
      depth++;
    }
    return Optional.empty();
  }
}
