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
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import scala.reflect.ClassTag$;

/**
 * Runs a task on N ranks at once as a barrier stage.
 *
 * <p>A failure that another try cannot fix (bad data, numbers that are not finite, a mistake in the
 * call…) ends the gang at once. After one that it can (a lost executor, a broken connection,
 * storage) the driver starts all ranks again in another Spark job, as long as there is progress
 * ({@link Endurance}).
 */
public final class Gang {
  private static final int SECRET_BYTES = 32;
  private static final int ATTEMPTS = 4;

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
        "spark.network.timeout", "50s",
        // How often the driver looks for executors that are silent for so long; 60 s otherwise.
        "spark.network.timeoutInterval", "5s",
        "spark.executor.heartbeatInterval", "5s");
  }

  /**
   * Finds out whether a gang of this size can start; waits for executors that still register.
   *
   * @throws PlumblineException CLUSTER_UNFIT, with the fix
   */
  public static void check(SparkSession spark, int ranks) {
    check(spark, ranks, DeviceChoice.CPU, registering(spark), new StopRequest(), sentence -> {});
  }

  /**
   * Finds out whether a gang of this size can start with a device for each rank. Where these are
   * GPUs, a gang tries them.
   *
   * @param wait how long for slots that are not there
   * @param notes hears what is waited for
   * @throws PlumblineException CLUSTER_UNFIT, with the fix
   */
  public static void check(
      SparkSession spark,
      int ranks,
      DeviceChoice device,
      Duration wait,
      StopRequest stop,
      Consumer<String> notes) {
    Preflight.check(spark, ranks, device);
    stop.reach(() -> {});
    try {
      new SlotWait(spark.sparkContext(), wait, stop, notes).forRanks(ranks, ranks);
    } finally {
      stop.reachNobody();
    }
    if (GpuResources.of(spark.sparkContext().getConf()).areUsedBy(device)) {
      run(
          spark,
          new Settings(ranks, TRIAL),
          member -> member.device(device).toString(),
          line -> {});
    }
  }

  /** How long Spark itself waits for executors that register one by one. */
  public static Duration registering(SparkSession spark) {
    return Duration.ofSeconds(
        spark
            .sparkContext()
            .getConf()
            .getTimeAsSeconds("spark.scheduler.maxRegisteredResourcesWaitingTime", "30s"));
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
    Endurance endurance = new Endurance(ATTEMPTS, registering(spark), settings.ranks());
    return run(spark, settings, endurance, Journal.NONE, new StopRequest(), task, listener);
  }

  /**
   * Runs a gang that can be asked to stop, and that outlasts what it is told to.
   *
   * @param stop by which members are asked ({@link GangMember#isAskedToStop})
   */
  public static String run(
      SparkSession spark,
      Settings settings,
      Endurance endurance,
      Journal journal,
      StopRequest stop,
      GangTask task,
      Consumer<String> listener) {
    Preflight.check(spark, settings.ranks(), DeviceChoice.CPU);
    return new Attempts(spark.sparkContext(), settings.ranks(), endurance, journal, stop)
        .run((number, ranks) -> attempt(spark, settings, number, ranks, stop, task, listener));
  }

  private static Attempts.Ended attempt(
      SparkSession spark,
      Settings settings,
      int number,
      int ranks,
      StopRequest stop,
      GangTask task,
      Consumer<String> listener)
      throws FailedAttempt {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    byte[] secret = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(secret);
    String tag = "plumbline-gang-" + UUID.randomUUID();
    LostExecutors lost = new LostExecutors();
    spark.sparkContext().addSparkListener(lost);
    try (Feed feed =
            Feed.open(context.getConf(), secret, listener, () -> context.cancelJobsWithTag(tag));
        AttemptWatch watch =
            AttemptWatch.begin(
                spark.sparkContext(), tag, ranks, settings.ranks(), control(context, tag, feed))) {
      RankFunction function =
          new RankFunction(
              task,
              ranks,
              number,
              settings.collectiveDeadline().toMillis(),
              secret,
              feed.host(),
              feed.port());
      context.addJobTag(tag);
      List<Outcome> outcomes;
      try {
        stop.reach(feed::askToStop);
        outcomes = outcomes(context, ranks, function);
      } catch (Throwable e) {
        // A caller that is interrupted leaves the job running otherwise.
        context.cancelJobsWithTag(tag);
        feed.finish();
        throw new GangFailure(context.sc(), feed, watch, lost, ranks).of(e);
      } finally {
        context.removeJobTag(tag);
      }
      feed.finish();
      if (feed.listenerFailure().isPresent()) {
        throw feed.listenerFailure().get();
      }
      Optional<Outcome> failed =
          outcomes.stream().filter(Outcome::isFailure).min(Outcome.FIRST_CAUSE);
      if (failed.isPresent()) {
        throw new FailedAttempt(failed.get().exception(null), FailedAttempt.Then.END);
      }
      String result =
          outcomes.stream()
              .filter(outcome -> outcome.rank() == 0)
              .findFirst()
              .orElseThrow(
                  () ->
                      new PlumblineException(
                          ErrorCode.INTERNAL, "The gang ended without a result of rank 0."))
              .text();
      return new Attempts.Ended(result, watch.hasMadeWay());
    } finally {
      spark.sparkContext().removeSparkListener(lost);
    }
  }

  private static AttemptWatch.Control control(JavaSparkContext context, String tag, Feed feed) {
    return new AttemptWatch.Control() {
      @Override
      public void takeBack() {
        context.cancelJobsWithTag(tag);
      }

      @Override
      public void askToStop() {
        feed.askToStop();
      }
    };
  }

  private static List<Outcome> outcomes(
      JavaSparkContext context, int ranks, RankFunction function) {
    List<Integer> ids = IntStream.range(0, ranks).boxed().toList();
    // A barrier stage that is the job's last is never tried again by Spark: attempts are counted in
    // one place, which knows what progress is.
    return context
        .parallelize(ids, ranks)
        .rdd()
        .barrier()
        .mapPartitions(function, false, ClassTag$.MODULE$.<String>apply(String.class))
        .toJavaRDD()
        .collect()
        .stream()
        .map(Outcome::decode)
        .toList();
  }
}
