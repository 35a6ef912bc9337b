package io.plumbline.spark.gang;

import java.util.Arrays;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkExecutorInfo;

/**
 * Room for ranks at one moment, as far as Spark's public interface tells.
 *
 * @param executors that have registered
 * @param registered slots of these
 * @param held of these, by tasks of this application
 */
record Slots(int executors, int registered, int held) {
  private static final Pattern LOCAL =
      Pattern.compile("local(?:\\[\\s*([0-9]+|\\*)\\s*(?:,.*)?])?");

  /** Slots that no task holds. */
  int free() {
    return Math.max(0, registered - held);
  }

  /** What is there, to be continued by what is missing. */
  String sentence() {
    String there =
        "%d %s registered with %d %s"
            .formatted(
                executors,
                executors == 1 ? "executor is" : "executors are",
                registered,
                registered == 1 ? "slot" : "slots");
    return held == 0
        ? there
        : there + ", of which %d run other tasks of this application".formatted(held);
  }

  static boolean isLocal(SparkContext context) {
    return LOCAL.matcher(context.master()).matches();
  }

  /** Of a local master. */
  static int ofThisProcess(SparkContext context) {
    Matcher local = LOCAL.matcher(context.master());
    if (!local.matches()) {
      throw new IllegalStateException(context.master() + " is no local master");
    }
    int cores = 1;
    if (local.group(1) != null) {
      cores =
          local.group(1).equals("*")
              ? Runtime.getRuntime().availableProcessors()
              : Integer.parseInt(local.group(1));
    }
    return cores / taskCpus(context.getConf());
  }

  /** Of a cluster's executors. */
  static Slots now(SparkContext context, int registered) {
    SparkExecutorInfo[] executors = context.statusTracker().getExecutorInfos();
    int held = Arrays.stream(executors).mapToInt(SparkExecutorInfo::numRunningTasks).sum();
    return new Slots(Math.max(0, executors.length - 1), registered, held);
  }

  static int taskCpus(SparkConf conf) {
    return conf.getInt("spark.task.cpus", 1);
  }

  /** Empty where Spark's public interface does not tell; its own check speaks up later then. */
  static OptionalInt registered(SparkContext context) {
    SparkConf conf = context.getConf();
    GpuResources gpus = GpuResources.of(conf);
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

  /** The most that this application's own settings let it ever have, where they limit it. */
  static OptionalInt most(SparkContext context) {
    SparkConf conf = context.getConf();
    if (context.master().startsWith("spark://") && conf.contains("spark.cores.max")) {
      return OptionalInt.of(conf.getInt("spark.cores.max", 0) / taskCpus(conf));
    }
    if ((context.master().equals("yarn") || context.master().startsWith("k8s://"))
        && conf.contains("spark.executor.instances")
        && conf.contains("spark.executor.cores")) {
      return OptionalInt.of(
          conf.getInt("spark.executor.instances", 0)
              * (conf.getInt("spark.executor.cores", 1) / taskCpus(conf)));
    }
    return OptionalInt.empty();
  }
}
