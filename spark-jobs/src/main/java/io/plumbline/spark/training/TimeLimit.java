package io.plumbline.spark.training;

import io.plumbline.spark.gang.StopRequest;
import java.util.Timer;
import java.util.TimerTask;

/** Asks a run to stop when the hours that it may take are over. */
final class TimeLimit implements AutoCloseable {
  private static final double MILLIS_PER_HOUR = 3_600_000;

  private final Timer timer;

  private TimeLimit(Timer timer) {
    this.timer = timer;
  }

  /**
   * Starts the clock.
   *
   * @param hours 0 for no limit
   */
  static TimeLimit of(double hours, StopRequest stop) {
    Timer timer = new Timer("plumbline-time-limit", true);
    if (hours > 0) {
      timer.schedule(
          new TimerTask() {
            @Override
            public void run() {
              stop.ask("--max-hours");
            }
          },
          (long) (hours * MILLIS_PER_HOUR));
    }
    return new TimeLimit(timer);
  }

  @Override
  public void close() {
    timer.cancel();
  }
}
