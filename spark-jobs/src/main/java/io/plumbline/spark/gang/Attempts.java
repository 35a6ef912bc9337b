package io.plumbline.spark.gang;

import io.plumbline.base.TimeSpan;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.FailedAttempt.Then;
import io.plumbline.spark.gang.Journal.Restart;
import java.time.Duration;
import java.util.Optional;
import org.apache.spark.SparkContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes one attempt after another until the gang's work is done, or nothing moves any more. */
final class Attempts {
  private static final Logger LOG = LoggerFactory.getLogger(Attempts.class);

  /** Spark counts an executor for some seconds after its end; more than this is no such moment. */
  private static final int MOST_TAKEN_BACK = 10;

  /** One attempt. */
  interface Attempt {
    /**
     * @param number 0 for the first
     */
    Ended run(int number, int ranks) throws FailedAttempt;
  }

  /**
   * How an attempt that did not fail ended.
   *
   * @param result of rank 0
   * @param hasMadeWay whether it was asked to stop for more ranks
   */
  record Ended(String result, boolean hasMadeWay) {}

  private final SparkContext context;
  private final int ranks;
  private final Endurance endurance;
  private final Journal journal;
  private final StopRequest stop;
  private int number;
  private int fruitless;
  private int takenBack;
  private long kept;

  Attempts(
      SparkContext context, int ranks, Endurance endurance, Journal journal, StopRequest stop) {
    this.context = context;
    this.ranks = ranks;
    this.endurance = endurance;
    this.journal = journal;
    this.stop = stop;
  }

  String run(Attempt attempt) {
    // While no attempt is at work, a request to stop is heard here.
    stop.reach(() -> {});
    try {
      kept = kept(0);
      Optional<String> cause = Optional.empty();
      while (true) {
        int now =
            new SlotWait(context, endurance.waitForSlots(), stop, journal::note)
                .forRanks(ranks, Math.min(ranks, endurance.leastRanks()));
        if (cause.isPresent() && takenBack == 0) {
          journal.startsAgain(new Restart(number + 1, now, kept, cause.get()));
        }
        Optional<String> next;
        try {
          Ended ended = attempt.run(number, now);
          if (!ended.hasMadeWay()
              || stop.reason().isPresent()
              || !journal.isUnfinished(ended.result())) {
            return ended.result();
          }
          kept = kept(kept);
          fruitless = 0;
          next = Optional.of("There is room for %d ranks again.".formatted(ranks));
        } catch (FailedAttempt failed) {
          if (failed.then() == Then.WAIT_FOR_SLOTS && takenBack < MOST_TAKEN_BACK) {
            // No rank has run: it is the same attempt that waits on.
            takenBack++;
            throwIfStopped(failed.failure());
            continue;
          }
          next = Optional.of(after(failed));
        } finally {
          stop.reach(() -> {});
        }
        cause = next;
        takenBack = 0;
        number++;
      }
    } finally {
      stop.reachNobody();
    }
  }

  /** Pauses after a failure, or ends the gang with it; gives its sentence. */
  private String after(FailedAttempt failed) {
    PlumblineException failure = failed.failure();
    if (failed.then() == Then.END) {
      throw failure;
    }
    throwIfStopped(failure);
    long now = kept(kept);
    fruitless = now > kept ? 0 : fruitless + 1;
    kept = Math.max(kept, now);
    // The journal says it to people; the whole trace is worth reading once, at the end.
    LOG.debug("Attempt {} failed, the {}. without progress", number + 1, fruitless, failure);
    if (fruitless >= endurance.mostAttempts()) {
      if (fruitless > 1) {
        journal.note(
            "Given up: %d attempts in a row failed without a newer training state."
                .formatted(fruitless));
      }
      throw failure;
    }
    Duration pause = endurance.pauseAfter(fruitless);
    if (pause.toSeconds() > 1) {
      journal.note(
          "Attempt %d failed, the %d. in a row without a newer training state; the next begins in %s: %s"
              .formatted(number + 1, fruitless, TimeSpan.text(pause), failure.getMessage()));
    }
    stop.reasonWithin(pause);
    throwIfStopped(failure);
    return failure.getMessage();
  }

  private void throwIfStopped(PlumblineException failure) {
    if (stop.reason().isPresent()) {
      throw new PlumblineException(
          ErrorCode.INTERRUPTED,
          "The run was stopped by %s and not tried again after a failure (%s): continue by the same call with --resume."
              .formatted(stop.reason().get(), failure.getMessage().replaceFirst("[.]$", "")),
          failure);
    }
  }

  /** How far the work is kept; as far as it was before, where that cannot be seen now. */
  private long kept(long before) {
    try {
      return journal.kept();
    } catch (PlumblineException e) {
      LOG.warn("The newest training state cannot be seen, and counts as no progress", e);
      return before;
    }
  }
}
