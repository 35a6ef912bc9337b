package io.plumbline.spark.progress;

import io.plumbline.spark.progress.ProgressListener.Amount;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells a listener how far a Spark job is while this thread waits for it. */
public final class StageProgress {
  private static final Logger LOG = LoggerFactory.getLogger(StageProgress.class);

  private StageProgress() {}

  /**
   * Runs a job; the listener hears of it twice a second, and not after this returns.
   *
   * @param done how many of the stage's units are done, as an accumulator knows
   */
  public static <T> T during(
      ProgressListener listener, String stage, LongSupplier done, Supplier<T> job) {
    return polling(() -> listener.stageAdvanced(stage, done.getAsLong()), job);
  }

  /** Reports the progress of a job whose pace is not that of its units. */
  public static <T> T during(
      ProgressListener listener,
      String stage,
      LongSupplier done,
      Supplier<Amount> handled,
      Supplier<T> job) {
    return polling(() -> listener.stageAdvanced(stage, done.getAsLong(), handled.get()), job);
  }

  /**
   * Runs a job that is a stage of its own, from its start to its end.
   *
   * @param done how many of {@code total} units are done, as an accumulator knows: work that is
   *     repeated counts twice there
   */
  public static <T> T whole(
      ProgressListener listener,
      String stage,
      long total,
      String unit,
      LongSupplier done,
      Supplier<T> job) {
    listener.stageStarted(stage, total, unit);
    T result = during(listener, stage, () -> Math.min(done.getAsLong(), total), job);
    listener.stageAdvanced(stage, total);
    listener.stageFinished(stage, "");
    return result;
  }

  private static <T> T polling(Runnable tell, Supplier<T> job) {
    ScheduledExecutorService poller = Executors.newSingleThreadScheduledExecutor();
    try {
      var unused = poller.scheduleWithFixedDelay(tell, 500, 500, TimeUnit.MILLISECONDS);
      return job.get();
    } finally {
      stop(poller);
    }
  }

  private static void stop(ScheduledExecutorService poller) {
    poller.shutdown();
    try {
      if (!poller.awaitTermination(10, TimeUnit.SECONDS)) {
        LOG.warn("A progress listener has not returned for 10 s");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
