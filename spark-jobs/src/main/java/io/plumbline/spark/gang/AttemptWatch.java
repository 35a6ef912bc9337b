package io.plumbline.spark.gang;

import java.time.Duration;
import java.util.OptionalInt;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkJobInfo;
import org.apache.spark.SparkStageInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches one attempt of a gang. Spark starts the ranks of a barrier stage all at once or, where
 * slots have gone since it counted them, waits without an end: such an attempt is taken back. One
 * that has fewer ranks than were asked for is asked to stop when there is room for all.
 */
final class AttemptWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AttemptWatch.class);
  private static final long POLL_MILLIS = 500;
  private static final Duration SLOTS_ARE_GONE = Duration.ofSeconds(3);
  private static final Duration LONGEST_START = Duration.ofMinutes(2);

  /** What is done with the attempt. */
  interface Control {
    void takeBack();

    void askToStop();
  }

  private final SparkContext context;
  private final String tag;
  private final int ranks;
  private final int wanted;
  private final Control control;
  private boolean closed;
  private boolean started;
  private boolean takenBack;
  private boolean grows;

  /**
   * @param tag of the attempt's job
   * @param ranks that the attempt has
   * @param wanted ranks that it should have
   */
  static AttemptWatch begin(
      SparkContext context, String tag, int ranks, int wanted, Control control) {
    AttemptWatch watch = new AttemptWatch(context, tag, ranks, wanted, control);
    if (!Slots.isLocal(context)) {
      Thread thread = new Thread(watch::work, "plumbline-attempt-watch");
      thread.setDaemon(true);
      thread.start();
    }
    return watch;
  }

  private AttemptWatch(SparkContext context, String tag, int ranks, int wanted, Control control) {
    this.context = context;
    this.tag = tag;
    this.ranks = ranks;
    this.wanted = wanted;
    this.control = control;
  }

  /** Whether the attempt was taken back because its ranks could not start. */
  synchronized boolean hasTakenBack() {
    return takenBack;
  }

  /** Whether the attempt was asked to stop because there is room for more ranks. */
  synchronized boolean hasMadeWay() {
    return grows;
  }

  private synchronized void work() {
    long begun = System.nanoTime();
    long roomSeen = begun;
    try {
      while (!closed) {
        try {
          if (started) {
            lookForMore();
          } else if (hasStarted()) {
            started = true;
            if (ranks >= wanted) {
              return;
            }
          } else if (hasRoom(ranks, 0)) {
            roomSeen = System.nanoTime();
          }
        } catch (RuntimeException e) {
          // Spark's view of itself is gone where its context is being stopped.
          LOG.debug("The state of the gang's job could not be seen", e);
        }
        long now = System.nanoTime();
        boolean roomIsGone = now - roomSeen > SLOTS_ARE_GONE.toNanos();
        if (!started && (roomIsGone || now - begun > LONGEST_START.toNanos())) {
          takenBack = true;
          control.takeBack();
          return;
        }
        if (grows) {
          return;
        }
        wait(POLL_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void lookForMore() {
    if (hasRoom(wanted, ranks)) {
      grows = true;
      control.askToStop();
    }
  }

  /** Whether there is room for so many ranks, with those that run already. */
  private boolean hasRoom(int forRanks, int running) {
    OptionalInt registered = Slots.registered(context);
    return registered.isEmpty()
        || Slots.now(context, registered.getAsInt()).free() + running >= forRanks;
  }

  private boolean hasStarted() {
    for (int id : context.statusTracker().getJobIdsForTag(tag)) {
      SparkJobInfo job = context.statusTracker().getJobInfo(id).getOrElse(() -> null);
      if (job == null) {
        continue;
      }
      for (int stageId : job.stageIds()) {
        SparkStageInfo stage = context.statusTracker().getStageInfo(stageId).getOrElse(() -> null);
        if (stage != null
            && stage.numActiveTasks() + stage.numCompletedTasks() + stage.numFailedTasks() > 0) {
          return true;
        }
      }
    }
    return false;
  }

  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
  }
}
