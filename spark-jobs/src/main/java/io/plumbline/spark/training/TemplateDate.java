package io.plumbline.spark.training;

import io.plumbline.checkpoint.RunTemplates;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.run.Start;
import io.plumbline.spark.training.algorithm.ScoringModels;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Optional;

/** The one date that a run's chat templates read, on whichever day it is resumed. */
public final class TemplateDate {
  private TemplateDate() {}

  /**
   * The request with the date that its templates read: the one that it gives, that of the run in
   * its directory, or now. It stands among the run's options, so that {@code rerun} has it too.
   */
  static TrainingRequest taken(Storage storage, TrainingRequest request) {
    try {
      List<String> scoring =
          request.rollouts().stream()
              .flatMap(rollouts -> ScoringModels.of(rollouts).values().stream())
              .toList();
      Optional<String> before =
          request.saving().start() == Start.OVERWRITE
              ? Optional.empty()
              : ofRun(storage, request.files().output());
      return request.with(
          request.templates().dated(storage, List.of(request.files().model()), scoring, before));
    } catch (PlumblineException e) {
      // Found again, with all else that is wrong, before any work.
      return request;
    }
  }

  /**
   * The date of the run that a directory holds; empty where it holds none that trained, or one
   * without a date that has no rows yet.
   */
  public static Optional<String> ofRun(Storage storage, String output) {
    return EarlierRun.in(storage, output).flatMap(TemplateDate::of);
  }

  private static Optional<String> of(EarlierRun run) {
    String date = run.record().configuration().path(RunTemplates.DATE).asText("");
    // Older versions said none. What they trained on is found by its content, without a date.
    return date.isEmpty() && run.progress() == EarlierRun.Progress.PREPARED
        ? Optional.empty()
        : Optional.of(date);
  }
}
