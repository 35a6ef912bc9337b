package io.plumbline.spark.cli;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.evaluate.InputRows;
import io.plumbline.spark.evaluate.StageResults;
import io.plumbline.spark.source.SparkSources;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaRDD;

/** A Spark stage over rows, as generate and score run it. */
@FunctionalInterface
interface TextStage<T> {
  StageResults<T> run(SparkSessions.Session session, JavaRDD<Map<String, Object>> rows);

  /**
   * Runs the stage in a session of its own and hands on what it gives, in the order of the rows.
   *
   * @param given rows by column; those of {@code --data} where there are none
   */
  default void forEach(
      SettingValues values, List<Map<String, Object>> given, Consumer<T> receiver) {
    try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere())) {
      JavaRDD<Map<String, Object>> rows =
          given.isEmpty()
              ? InputRows.read(session.spark(), session.storage(), files(session, values))
              : session.parallel(given);
      try (StageResults<T> results = run(session, rows)) {
        results.iterator().forEachRemaining(receiver);
      }
    }
  }

  /** What is read here as it stands. */
  private static List<String> files(SparkSessions.Session session, SettingValues values) {
    List<String> paths = values.all(TextSettings.DATA);
    for (String path : paths) {
      if (SparkSources.kind(session.storage(), path) != SparkSources.Kind.FILES) {
        // The files of a table hold rows that were deleted from it, and old versions of others.
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            String.format(
                "--data names %s, and only files are read here: write its rows to JSONL or Parquet"
                    + " first.",
                path));
      }
    }
    return paths;
  }
}
