package io.plumbline.spark.tracking;

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
    ScheduledExecutorService poller = Executors.newSingleThreadScheduledExecutor();
    try {
      var unused =
          poller.scheduleWithFixedDelay(
              () -> listener.stageAdvanced(stage, done.getAsLong()),
              500,
              500,
              TimeUnit.MILLISECONDS);
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
