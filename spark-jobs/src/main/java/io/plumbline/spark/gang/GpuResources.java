package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.util.Optional;
import org.apache.spark.SparkConf;

/**
 * The GPUs that a session's settings ask for.
 *
 * @param perTask spark.task.resource.gpu.amount; a fraction where tasks share GPUs
 * @param perExecutor spark.executor.resource.gpu.amount
 */
record GpuResources(Optional<Double> perTask, Optional<Integer> perExecutor) {
  private static final String TASK = "spark.task.resource.gpu.amount";
  private static final String EXECUTOR = "spark.executor.resource.gpu.amount";

  static GpuResources of(SparkConf conf) {
    return new GpuResources(
        Optional.ofNullable(conf.get(TASK, null)).map(Double::valueOf),
        Optional.ofNullable(conf.get(EXECUTOR, null)).map(Integer::valueOf));
  }

  /** Whether ranks of this choice compute on GPUs. */
  boolean areUsedBy(DeviceChoice choice) {
    return choice == DeviceChoice.CUDA || (choice == DeviceChoice.AUTO && perTask.isPresent());
  }

  /**
   * Fails where ranks of this choice would not get one GPU each.
   *
   * @param local whether tasks run in the driver, which Spark gives no resources
   */
  void check(DeviceChoice choice, boolean local) {
    if (!areUsedBy(choice)) {
      return;
    }
    if (local) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "A local master gives tasks no GPUs: submit to a cluster, which on one machine is deploy/standalone, or take --device cpu without spark.task.resource.gpu.amount.");
    }
    if (perTask.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "--device cuda was asked for, but Spark gives tasks no GPU: "
              + DeviceChoice.HOW_TO_GET_GPUS
              + ".");
    }
    double amount = perTask.get();
    if (amount != 1) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "%s is %s, so that %s: set it to 1, or take --device cpu."
              .formatted(
                  TASK,
                  amount == Math.rint(amount) ? Long.toString((long) amount) : amount,
                  amount < 1
                      ? "ranks would share a GPU, and each needs one of its own"
                      : "a rank would hold GPUs that it does not use"));
    }
  }

  /** How many tasks of an executor its GPUs allow at once. */
  int slotsPerExecutor() {
    // A platform may keep to itself how many GPUs its executors have.
    if (perTask.isEmpty() || perExecutor.isEmpty()) {
      return Integer.MAX_VALUE;
    }
    return (int) Math.floor(perExecutor.get() / perTask.get() + 1e-9);
  }
}
