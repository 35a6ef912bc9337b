package io.plumbline.spark.tracking;

import io.plumbline.checkpoint.RunRecord;
import io.plumbline.spark.progress.ProgressListener;
import io.plumbline.storage.Storage;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Tracks a run at an MLflow server while it runs and when it ends, where one is named. Whatever the
 * server does, the run is the same: it is told from a thread of its own, and what it did not take
 * is named in one sentence at the end.
 */
public final class RunTracking implements AutoCloseable {
  private final Storage storage;
  private final String output;
  private final Optional<TrackingSettings> settings;
  private final ProgressListener progress;
  private volatile Optional<LiveSender> sender = Optional.empty();

  private RunTracking(
      Storage storage,
      String output,
      Optional<TrackingSettings> settings,
      ProgressListener progress) {
    this.storage = storage;
    this.output = output;
    this.settings = settings;
    this.progress = progress;
  }

  /**
   * Tracks nothing until {@link #begin}.
   *
   * @param settings empty for a run that no server is told of
   * @param progress hears what the run tells, and sentences about the server
   */
  public static RunTracking of(
      Storage storage,
      String output,
      Optional<TrackingSettings> settings,
      ProgressListener progress) {
    return new RunTracking(storage, output, settings, progress);
  }

  /** The listener by which the run tells its progress. */
  public ProgressListener listener() {
    return settings.isEmpty() ? progress : new Both();
  }

  /** The run is what its record says: the server hears of it as a new run. */
  public void begin(RunRecord record) {
    settings.ifPresent(to -> start(to, () -> TrackingRecord.fresh(to), record));
  }

  /** The run resumes: the server hears of it as the run that it knows from before. */
  public void resume(RunRecord record) {
    settings.ifPresent(to -> start(to, () -> TrackingRecord.of(storage, output, to), record));
  }

  private void start(TrackingSettings to, Supplier<TrackingRecord> known, RunRecord record) {
    try {
      LiveSender begun =
          new LiveSender(
              storage,
              output,
              to,
              known.get(),
              new RunFacts(record, storage.absolute(output)),
              this::note);
      begun.start();
      sender = Optional.of(begun);
    } catch (RuntimeException e) {
      // The run must not depend on it.
      note("No MLflow server hears of this run: " + e.getMessage());
    }
  }

  /** Sends what the server lacks, and says in one sentence what it did not take. */
  @Override
  public void close() {
    if (sender.isEmpty()) {
      return;
    }
    try {
      RunUpload.Result result = sender.get().finish();
      if (!result.lacking().isEmpty()) {
        note(result.sentence(output));
      }
    } catch (RuntimeException e) {
      // The run's own end must not depend on it.
      note("The MLflow server was not told how the run ended: " + e.getMessage());
    }
  }

  private void note(String sentence) {
    synchronized (progress) {
      progress.note(sentence);
    }
  }

  /** Tells the server what the run tells people, and people one thing at a time. */
  private final class Both implements ProgressListener {
    @Override
    public void stageStarted(String stage, long total, String unit) {
      synchronized (progress) {
        progress.stageStarted(stage, total, unit);
      }
    }

    @Override
    public void stageAdvanced(String stage, long done) {
      synchronized (progress) {
        progress.stageAdvanced(stage, done);
      }
    }

    @Override
    public void stageAdvanced(String stage, long done, Amount handled) {
      synchronized (progress) {
        progress.stageAdvanced(stage, done, handled);
      }
    }

    @Override
    public void evaluating(long done, long total) {
      synchronized (progress) {
        progress.evaluating(done, total);
      }
    }

    @Override
    public void stageFinished(String stage, String summary) {
      synchronized (progress) {
        progress.stageFinished(stage, summary);
      }
    }

    @Override
    public void step(long step, long totalSteps, Map<String, Double> metrics) {
      sender.ifPresent(to -> to.hear(MetricPoints.of(metrics, System.currentTimeMillis())));
      synchronized (progress) {
        progress.step(step, totalSteps, metrics);
      }
    }

    @Override
    public void note(String line) {
      RunTracking.this.note(line);
    }
  }
}
