package io.plumbline.spark.cli.commands;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.spark.cli.options.SettingValues;
import io.plumbline.spark.cli.options.SparkSessions;
import io.plumbline.spark.cli.options.TemplateOptions;
import io.plumbline.spark.training.Preflight;
import io.plumbline.spark.training.TemplateDate;
import io.plumbline.spark.training.TrainingRows;
import io.plumbline.spark.training.TrainingRows.SourceReading;
import io.plumbline.spark.training.algorithm.ModelUse;
import io.plumbline.storage.Storage;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * What {@code prepare} and {@code reference} make rows of, once all of it is as it must be.
 *
 * @param settings of the rows
 * @param model as conversations are rendered for it
 */
record CheckedRows(TrainingRows.Settings settings, ModelDirectory model) {
  /**
   * Checks the sources, the model and the output directory, in which a run may lie.
   *
   * @param settings of the rows, by how tables and queries are read
   * @param cache a directory that is written besides
   * @param note told of what a user should know
   * @throws io.plumbline.error.PlumblineException with the code of the first problem
   */
  static CheckedRows of(
      SparkSessions.Session session,
      SettingValues values,
      Function<SourceReading, TrainingRows.Settings> settings,
      String model,
      ModelUse use,
      Optional<String> cache,
      Consumer<String> note) {
    Storage storage = session.storage();
    TrainingRows.Settings anew = settings.apply(SourceReading.ANEW);
    SourceReading reading =
        Preflight.requireRows(
            session.spark(), storage, anew, model, use, TemplateOptions.of(values), cache);
    ModelDirectory opened =
        TemplateOptions.open(
            values, storage, model, TemplateDate.ofRun(storage, anew.output()), note);
    TemplateOptions.shareable(opened).ifPresent(note);
    return new CheckedRows(settings.apply(reading), opened);
  }
}
