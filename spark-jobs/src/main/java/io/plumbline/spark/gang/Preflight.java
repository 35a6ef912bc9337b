package io.plumbline.spark.gang;

import io.plumbline.base.TimeSpan;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.time.Duration;
import java.util.OptionalInt;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;

/** What the settings of a session say about whether a gang can start. */
final class Preflight {
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
    GpuResources.of(conf).check(device, Slots.isLocal(context));
    if (Slots.isLocal(context)) {
      checkSlotsHere(context, ranks);
    }
  }

  private static void checkSlotsHere(SparkContext context, int ranks) {
    int slots = Slots.ofThisProcess(context);
    if (slots < ranks) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "%d ranks were asked for, but %s has %d slots: use --master local[%d] or --ranks %d."
              .formatted(
                  ranks,
                  context.master(),
                  slots,
                  ranks * Slots.taskCpus(context.getConf()),
                  Math.max(1, slots)));
    }
  }

  /**
   * @param waited how long for more
   * @param most what the application's own settings allow, where they limit it
   */
  static PlumblineException tooFewSlots(
      int ranks, Slots slots, Duration waited, OptionalInt most, GpuResources gpus) {
    StringBuilder sentence = new StringBuilder();
    sentence.append("%d ranks were asked for".formatted(ranks));
    if (gpus.perTask().isPresent()) {
      sentence.append(", each with a core and a GPU of its own");
    }
    if (most.orElse(ranks) < ranks) {
      sentence.append(
          ", but this application's own settings allow %d at once: raise spark.cores.max or spark.executor.instances, lower spark.task.cpus, or ask for fewer ranks."
              .formatted(most.getAsInt()));
      return new PlumblineException(ErrorCode.CLUSTER_UNFIT, sentence.toString());
    }
    sentence.append(
        ", but the cluster's executors have %d slots free%s: %s. "
            .formatted(
                slots.free(),
                waited.toSeconds() < 1 ? "" : " after a wait of " + TimeSpan.text(waited),
                slots.sentence()));
    if (slots.registered() >= ranks) {
      sentence.append("Wait for the other jobs of this application, or ask for fewer ranks.");
    } else if (gpus.perTask().isPresent()) {
      sentence.append(
          "Add executors (spark.executor.instances, spark.cores.max) on hosts with free GPUs, GPUs (spark.executor.resource.gpu.amount) or cores (spark.executor.cores), wait longer (--wait-for-slots), or ask for fewer ranks (--ranks, --min-ranks).");
    } else {
      sentence.append(
          "Where other applications hold the rest, or executors still start, wait longer (--wait-for-slots); else add executors or cores (spark.executor.instances, spark.executor.cores, spark.cores.max), lower spark.task.cpus, or ask for fewer ranks (--ranks, --min-ranks).");
    }
    return new PlumblineException(ErrorCode.CLUSTER_UNFIT, sentence.toString());
  }
}
