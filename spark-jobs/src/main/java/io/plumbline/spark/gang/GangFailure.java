package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.spark.gang.FailedAttempt.Then;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.spark.SparkContext;

/** Finds why an attempt of a gang failed, among what Spark, its ranks and its executors say. */
final class GangFailure {
  /** Ranks hear of a peer's end at once, Spark of its executor's some time later. */
  private static final Duration UNTIL_SPARK_HEARS = Duration.ofSeconds(3);

  private static final Pattern CANCELLED =
      Pattern.compile("SPARK_JOB_CANCELLED|Job \\d+ (was )?cancelled|cancelled job");
  private static final Pattern NO_ROOM = Pattern.compile("SPARK-24819|requires more slots");

  private final SparkContext context;
  private final Feed feed;
  private final AttemptWatch watch;
  private final LostExecutors lost;
  private final int ranks;

  GangFailure(SparkContext context, Feed feed, AttemptWatch watch, LostExecutors lost, int ranks) {
    this.context = context;
    this.feed = feed;
    this.watch = watch;
    this.lost = lost;
    this.ranks = ranks;
  }

  FailedAttempt of(Throwable e) {
    Optional<RuntimeException> listenerFailure = feed.listenerFailure();
    if (listenerFailure.isPresent()) {
      return new FailedAttempt(ofListener(listenerFailure.get()), Then.END);
    }
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
      return new FailedAttempt(
          new PlumblineException(
              ErrorCode.INTERRUPTED, "The gang was stopped because the driver was interrupted.", e),
          Then.END);
    }
    String text = String.valueOf(e.getMessage());
    if (watch.hasTakenBack() || NO_ROOM.matcher(text).find()) {
      return new FailedAttempt(
          new PlumblineException(
              ErrorCode.CLUSTER_UNFIT,
              "Spark could not start %d ranks at once: slots have gone since they were counted, or are held by other jobs."
                  .formatted(ranks),
              e),
          Then.WAIT_FOR_SLOTS);
    }
    Optional<Outcome> told = feed.firstCause().or(() -> Outcome.quotedIn(text));
    if (context.isStopped() || CANCELLED.matcher(text).find()) {
      return new FailedAttempt(
          told.filter(outcome -> !isVague(outcome.code()))
              .map(outcome -> outcome.exception(e))
              .orElseGet(
                  () ->
                      new PlumblineException(
                          ErrorCode.INTERRUPTED,
                          "The gang was stopped because its Spark job was cancelled.",
                          e)),
          Then.END);
    }
    if (told.isPresent() && !isVague(told.get().code())) {
      return new FailedAttempt(
          told.get().exception(e),
          RankFunction.isFinal(told.get().code()) ? Then.END : Then.TRY_AGAIN);
    }
    Optional<PlumblineException> executor = LostExecutors.quotedIn(text, e);
    if (executor.isEmpty() && !Slots.isLocal(context)) {
      executor = ofExecutor(e);
    }
    if (executor.isPresent()) {
      return new FailedAttempt(executor.get(), Then.TRY_AGAIN);
    }
    if (told.isPresent()) {
      return new FailedAttempt(told.get().exception(e), Then.TRY_AGAIN);
    }
    return new FailedAttempt(
        new PlumblineException(
            ErrorCode.GANG_BROKEN,
            "Spark gave up on the gang of %d ranks: %s"
                .formatted(ranks, text.lines().findFirst().orElse(text)),
            e),
        text.contains("not serializable") ? Then.END : Then.TRY_AGAIN);
  }

  private Optional<PlumblineException> ofExecutor(Throwable e) {
    try {
      return lost.failureWithin(UNTIL_SPARK_HEARS, e);
    } catch (InterruptedException interrupted) {
      // The wait for the next attempt ends the gang.
      Thread.currentThread().interrupt();
      return Optional.empty();
    }
  }

  /** Whether a code says that a rank left because of another, but not why. */
  private static boolean isVague(ErrorCode code) {
    return code == ErrorCode.GANG_BROKEN || code == ErrorCode.INTERRUPTED;
  }

  private static PlumblineException ofListener(RuntimeException failure) {
    return failure instanceof PlumblineException known
        ? known
        : new PlumblineException(
            ErrorCode.INTERNAL,
            "The driver failed in handling what a rank published: " + failure,
            failure);
  }
}
