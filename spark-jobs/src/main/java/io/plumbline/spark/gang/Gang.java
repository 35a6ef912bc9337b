package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.apache.spark.HashPartitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;
import scala.reflect.ClassTag$;

/**
 * Runs a task on N ranks at once as a barrier stage that Spark retries whole.
 *
 * <p>A failure that another try cannot fix (bad data, numbers that are not finite, a mistake in the
 * call…) ends the job at once. After one that it can (a lost executor, a broken connection,
 * storage) Spark starts all ranks again, up to {@code spark.stage.maxConsecutiveAttempts} times.
 */
public final class Gang {
  private static final int SECRET_BYTES = 32;

  /** How long ranks wait for each other where they only try their devices. */
  private static final Duration TRIAL = Duration.ofMinutes(2);

  /**
   * @param ranks world size
   * @param collectiveDeadline how long a rank waits for its peers while nothing moves
   */
  public record Settings(int ranks, Duration collectiveDeadline) {}

  private Gang() {}

  /**
   * What a session that runs gangs should be built with, by Spark's names. Without them a gang
   * still runs, but hears of too few slots only after ten minutes, and a rank that ignores being
   * killed keeps its slot.
   */
  public static Map<String, String> recommendedSettings() {
    return Map.of(
        "spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "3s",
        "spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "3",
        "spark.scheduler.minRegisteredResourcesRatio", "1.0",
        "spark.dynamicAllocation.enabled", "false",
        "spark.speculation", "false",
        "spark.task.reaper.enabled", "true",
        "spark.task.reaper.killTimeout", "120s",
        "spark.network.timeout", "60s",
        "spark.executor.heartbeatInterval", "5s");
  }

  /**
   * Finds out in seconds whether a gang of this size can start.
   *
   * @throws PlumblineException CLUSTER_UNFIT, with the fix
   */
  public static void check(SparkSession spark, int ranks) {
    Preflight.check(spark, ranks, DeviceChoice.CPU);
  }

  /**
   * Finds out in seconds whether a gang of this size can start with a device for each rank. Where
   * these are GPUs, a gang tries them.
   *
   * @throws PlumblineException CLUSTER_UNFIT, with the fix
   */
  public static void check(SparkSession spark, int ranks, DeviceChoice device) {
    Preflight.check(spark, ranks, device);
    if (GpuResources.of(spark.sparkContext().getConf()).areUsedBy(device)) {
      run(
          spark,
          new Settings(ranks, TRIAL),
          member -> member.device(device).toString(),
          line -> {});
    }
  }

  /**
   * Runs the gang to its end; {@code listener} hears what members publish, on one thread. What it
   * throws ends the job.
   *
   * @return what the task gave on rank 0
   * @throws PlumblineException the failure of the rank that failed first
   */
  public static String run(
      SparkSession spark, Settings settings, GangTask task, Consumer<String> listener) {
    return run(spark, settings, task, new StopRequest(), listener);
  }

  /**
   * Runs a gang that can be asked to stop.
   *
   * @param stop by which members are asked ({@link GangMember#isAskedToStop})
   */
  public static String run(
      SparkSession spark,
      Settings settings,
      GangTask task,
      StopRequest stop,
      Consumer<String> listener) {
    Preflight.check(spark, settings.ranks(), DeviceChoice.CPU);
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    String tag = "plumbline-gang-" + UUID.randomUUID();
    try (Feed feed =
        Feed.open(context.getConf(), secret, listener, () -> context.cancelJobsWithTag(tag))) {
      RankFunction function =
          new RankFunction(
              task,
              settings.ranks(),
              settings.collectiveDeadline().toMillis(),
              secret,
              feed.host(),
              feed.port());
      context.addJobTag(tag);
      List<Outcome> outcomes;
      try {
        stop.reach(feed::askToStop);
        outcomes = outcomes(context, settings.ranks(), function);
      } catch (Throwable e) {
        // A caller that is interrupted leaves the job running otherwise.
        context.cancelJobsWithTag(tag);
        feed.finish();
        throw explain(e, feed, settings.ranks());
      } finally {
        stop.reachNobody();
        context.removeJobTag(tag);
      }
      feed.finish();
      feed.listenerFailure()
          .ifPresent(
              failure -> {
                throw failure;
              });
      Optional<Outcome> failed =
          outcomes.stream().filter(Outcome::isFailure).min(Outcome.FIRST_CAUSE);
      if (failed.isPresent()) {
        throw failed.get().exception(null);
      }
      return outcomes.stream()
          .filter(outcome -> outcome.rank() == 0)
          .findFirst()
          .orElseThrow(
              () ->
                  new PlumblineException(
                      ErrorCode.INTERNAL, "The gang ended without a result of rank 0."))
          .text();
    }
  }

  private static List<Outcome> outcomes(
      JavaSparkContext context, int ranks, RankFunction function) {
    List<Integer> ids = IntStream.range(0, ranks).boxed().toList();
    JavaRDD<String> lines =
        context
            .parallelize(ids, ranks)
            .rdd()
            .barrier()
            .mapPartitions(function, false, ClassTag$.MODULE$.<String>apply(String.class))
            .toJavaRDD();
    // Spark never retries a barrier stage that is the job's last: a shuffle makes another follow.
    return lines
        .mapToPair(line -> new Tuple2<>(0, line))
        .partitionBy(new HashPartitioner(1))
        .values()
        .collect()
        .stream()
        .map(Outcome::decode)
        .toList();
  }

  private static PlumblineException explain(Throwable e, Feed feed, int ranks) {
    Optional<RuntimeException> listenerFailure = feed.listenerFailure();
    if (listenerFailure.isPresent()) {
      return listenerFailure.get() instanceof PlumblineException known
          ? known
          : new PlumblineException(
              ErrorCode.INTERNAL,
              "The driver failed in handling what a rank published: " + listenerFailure.get(),
              listenerFailure.get());
    }
    if (e instanceof InterruptedException) {
      Thread.currentThread().interrupt();
      return new PlumblineException(
          ErrorCode.INTERRUPTED, "The gang was stopped because the driver was interrupted.", e);
    }
    String text = String.valueOf(e.getMessage());
    if (text.contains("SPARK-24819") || text.contains("requires more slots")) {
      return Preflight.tooFewSlots(ranks, "fewer", e);
    }
    Optional<Outcome> reported = feed.firstCause();
    if (reported.isPresent()) {
      return reported.get().exception(e);
    }
    Optional<Outcome> quoted = Outcome.quotedIn(text);
    if (quoted.isPresent()) {
      return quoted.get().exception(e);
    }
    if (text.contains("cancelled")) {
      return new PlumblineException(
          ErrorCode.INTERRUPTED, "The gang was stopped because its Spark job was cancelled.", e);
    }
    return new PlumblineException(
        ErrorCode.GANG_BROKEN,
        "Spark gave up on the gang of %d ranks: %s"
            .formatted(ranks, text.lines().findFirst().orElse(text)),
        e);
  }
}
