package io.plumbline.spark.cli.commands;

import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TextSettings;
import io.plumbline.spark.cli.terminal.Console;
import io.plumbline.spark.cli.terminal.Progress;
import io.plumbline.spark.inference.RowsRead;
import io.plumbline.spark.inference.StageResults;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.spark.source.DataFiles.Purpose;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.storage.StorageLevel;

/** A Spark stage over rows, as generate and score run it. */
@FunctionalInterface
interface TextStage<T> {
  StageResults<T> run(
      SparkSessions.Session session, JavaRDD<Map<String, Object>> rows, ProgressListener listener);

  /**
   * Runs the stage in a session of its own and hands on what it gives, in the order of the rows.
   *
   * @param given rows by column; those of {@code --data} where there are none
   * @param use what is made of the rows
   */
  default void forEach(
      SettingValues values,
      List<Map<String, Object>> given,
      RowsRead.Use use,
      Console console,
      Consumer<T> receiver) {
    try (SparkSessions.Session session = SparkSessions.open(values, SparkSessions.coresHere());
        Progress progress = Progress.on(console)) {
      JavaRDD<Map<String, Object>> rows =
          given.isEmpty()
              ? TextSettings.rows(values)
                  .read(session.spark(), session.storage(), Purpose.TRAINING, progress::note)
                  .persist(StorageLevel.MEMORY_AND_DISK())
              : session.parallel(given);
      try {
        if (given.isEmpty()) {
          RowsRead.line(rows, use).ifPresent(progress::note);
        }
        try (StageResults<T> results = run(session, rows, progress)) {
          progress.close();
          results.iterator().forEachRemaining(receiver);
        }
      } finally {
        rows.unpersist();
      }
    }
  }
}
