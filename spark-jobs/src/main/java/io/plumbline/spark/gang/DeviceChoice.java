package io.plumbline.spark.gang;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.tensor.Device;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/** On what kind of device tasks compute. Which one of a kind is Spark's to say. */
public enum DeviceChoice {
  /** The GPU that Spark gave the task, or the CPU where it gave none. */
  AUTO,
  CPU,
  /** The GPU that Spark gave the task. */
  CUDA;

  static final String HOW_TO_GET_GPUS =
      "set spark.task.resource.gpu.amount=1 and spark.executor.resource.gpu.amount with a discovery script (docs/gpu.md), or take --device cpu";

  /**
   * The device of the Spark task that calls, found to work.
   *
   * @throws PlumblineException CLUSTER_UNFIT where there is no such device
   */
  public Device ofThisTask() {
    Device device = among(gpus(TaskContext.get()));
    device.require();
    return device;
  }

  /** The addresses of the GPUs that Spark gave a task. */
  static List<String> gpus(TaskContext context) {
    // Outside of Spark, as in tests of what a task does, there is no context.
    ResourceInformation gpus = context == null ? null : context.resourcesJMap().get("gpu");
    return gpus == null ? List.of() : List.of(gpus.addresses());
  }

  /** Whether a task with these GPUs computes on one. */
  boolean isGpu(List<String> gpus) {
    return this == CUDA || (this == AUTO && !gpus.isEmpty());
  }

  /** The device of a task that was given these GPUs, by its first. */
  Device among(List<String> gpus) {
    if (!isGpu(gpus)) {
      return Device.CPU;
    }
    if (gpus.isEmpty()) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "--device cuda was asked for, but Spark gives tasks no GPU: " + HOW_TO_GET_GPUS + ".");
    }
    try {
      return Device.cuda(Integer.parseInt(gpus.get(0)));
    } catch (NumberFormatException e) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "Spark gave a task the GPU '%s', which is not an index: correct the cluster's GPU discovery script."
              .formatted(gpus.get(0)),
          e);
    }
  }
}
