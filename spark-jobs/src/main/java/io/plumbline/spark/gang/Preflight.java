package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;

/** What can be known in seconds about whether a gang can start. */
final class Preflight {
  private static final Pattern LOCAL =
      Pattern.compile("local(?:\\[\\s*([0-9]+|\\*)\\s*(?:,.*)?])?");
  private static final long POLL_MILLIS = 200;

  private Preflight() {}

  static void check(SparkSession spark, int ranks, DeviceChoice device) {
    if (ranks < 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "A gang of %d ranks is not possible: ask for 1 or more.".formatted(ranks));
    }
    SparkContext context = spark.sparkContext();
    SparkConf conf = context.getConf();
    if (conf.getBoolean("spark.dynamicAllocation.enabled", false)) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "Dynamic allocation is on, and Spark refuses gangs with it: set spark.dynamicAllocation.enabled=false.");
    }
    if (conf.getBoolean("spark.speculation", false)) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "Speculation is on and would start ranks twice: set spark.speculation=false.");
    }
    GpuResources gpus = GpuResources.of(conf);
    gpus.check(device, LOCAL.matcher(context.master()).matches());
    checkSlots(context, conf, gpus, ranks);
  }

  private static void checkSlots(
      SparkContext context, SparkConf conf, GpuResources gpus, int ranks) {
    Matcher local = LOCAL.matcher(context.master());
    if (local.matches()) {
      int cores = context.defaultParallelism();
      if (local.group(1) == null) {
        cores = 1;
      } else if (!local.group(1).equals("*")) {
        cores = Integer.parseInt(local.group(1));
      } else {
        cores = Runtime.getRuntime().availableProcessors();
      }
      int slots = cores / taskCpus(conf);
      if (slots < ranks) {
        throw new PlumblineException(
            ErrorCode.CLUSTER_UNFIT,
            "%d ranks were asked for, but %s has %d slots: use --master local[%d] or --ranks %d."
                .formatted(
                    ranks, context.master(), slots, ranks * taskCpus(conf), Math.max(1, slots)));
      }
      return;
    }
    // Executors register one by one: give them as long as Spark itself would wait.
    long deadline =
        System.nanoTime()
            + 1_000_000_000L
                * conf.getTimeAsSeconds("spark.scheduler.maxRegisteredResourcesWaitingTime", "30s");
    while (true) {
      OptionalInt slots = clusterSlots(context, conf, gpus);
      if (slots.isEmpty() || slots.getAsInt() >= ranks) {
        return;
      }
      if (System.nanoTime() > deadline) {
        throw tooFewSlots(ranks, slots.getAsInt(), gpus);
      }
      try {
        Thread.sleep(POLL_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new PlumblineException(
            ErrorCode.INTERRUPTED, "The wait for executors was interrupted.", e);
      }
    }
  }

  private static PlumblineException tooFewSlots(int ranks, int slots, GpuResources gpus) {
    if (gpus.perTask().isEmpty()) {
      return tooFewSlots(ranks, Integer.toString(slots), null);
    }
    return new PlumblineException(
        ErrorCode.CLUSTER_UNFIT,
        "%d ranks were asked for, each with a core and a GPU of its own, but the cluster's executors have room for %d: add executors (spark.executor.instances, spark.cores.max) on hosts with free GPUs, GPUs (spark.executor.resource.gpu.amount) or cores (spark.executor.cores), or ask for fewer ranks."
            .formatted(ranks, slots));
  }

  static PlumblineException tooFewSlots(int ranks, String slots, Throwable cause) {
    return new PlumblineException(
        ErrorCode.CLUSTER_UNFIT,
        "%d ranks were asked for, but the cluster's executors have %s slots: add executors or cores (spark.executor.instances, spark.executor.cores, spark.cores.max), lower spark.task.cpus, or ask for fewer ranks."
            .formatted(ranks, slots),
        cause);
  }

  private static int taskCpus(SparkConf conf) {
    return conf.getInt("spark.task.cpus", 1);
  }

  /** Empty where Spark's public interface does not tell; its own check speaks up later then. */
  private static OptionalInt clusterSlots(SparkContext context, SparkConf conf, GpuResources gpus) {
    // The driver is in the list.
    int executors = context.statusTracker().getExecutorInfos().length - 1;
    if (executors <= 0) {
      return OptionalInt.of(0);
    }
    if (conf.contains("spark.executor.cores")) {
      int perExecutor = conf.getInt("spark.executor.cores", 1) / taskCpus(conf);
      return OptionalInt.of(executors * Math.min(perExecutor, gpus.slotsPerExecutor()));
    }
    int ofGpus = (int) Math.min(Integer.MAX_VALUE, (long) executors * gpus.slotsPerExecutor());
    if (conf.contains("spark.default.parallelism")) {
      return ofGpus == Integer.MAX_VALUE ? OptionalInt.empty() : OptionalInt.of(ofGpus);
    }
    // All registered cores, but never less than 2.
    int cores = context.defaultParallelism();
    return cores == 2 && executors == 1
        ? OptionalInt.empty()
        : OptionalInt.of(Math.min(ofGpus, cores / taskCpus(conf)));
  }
}
