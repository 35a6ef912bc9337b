package io.plumbline.spark.gang;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.plumbline.base.Json;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.tensor.Device;
import java.util.List;

/**
 * Where a rank runs, as all ranks know it.
 *
 * @param ring where the rank listens for its peers
 * @param host of its executor, as Spark knows it
 * @param gpus addresses of the GPUs that Spark gave its task
 * @param visible which GPUs its process sees, as CUDA_VISIBLE_DEVICES says; empty for all
 */
public record Placement(String ring, String host, List<String> gpus, String visible) {
  String encode() {
    try {
      return Json.MAPPER.writeValueAsString(this);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("records can be written", e);
    }
  }

  static Placement decode(String text) {
    try {
      return Json.MAPPER.readValue(text, Placement.class);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a rank's placement is JSON", e);
    }
  }

  /** The device of this rank, whether it works or not. */
  public Device device(DeviceChoice choice) {
    return choice.among(gpus);
  }

  /**
   * The device of a rank among these, found to work.
   *
   * @throws PlumblineException CLUSTER_UNFIT where ranks and GPUs are not one to one, or the device
   *     does not work
   */
  static Device device(DeviceChoice choice, int rank, List<Placement> ranks) {
    Placement own = ranks.get(rank);
    String who = "Rank %d on %s".formatted(rank, own.host);
    if (choice.isGpu(own.gpus) && own.gpus.size() > 1) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          "%s was given %d GPUs, and a rank uses one: set spark.task.resource.gpu.amount=1."
              .formatted(who, own.gpus.size()));
    }
    Device device = choice.among(own.gpus);
    if (device.isHost()) {
      return device;
    }
    for (int other = 0; other < ranks.size(); other++) {
      if (other != rank && own.sharesGpu(ranks.get(other))) {
        throw new PlumblineException(
            ErrorCode.CLUSTER_UNFIT,
            "%s and rank %d were both given GPU %s, and a rank needs one of its own: set spark.task.resource.gpu.amount=1, and let the GPU discovery script name each GPU to one executor only."
                .formatted(who, other, own.gpus.get(0)));
      }
    }
    try {
      device.require();
    } catch (PlumblineException e) {
      throw new PlumblineException(
          e.code(), "%s with GPU %s: %s".formatted(who, own.gpus.get(0), e.getMessage()), e);
    }
    return device;
  }

  /** Processes that see other GPUs, as containers do, count them from 0 each. */
  private boolean sharesGpu(Placement other) {
    return host.equals(other.host) && visible.equals(other.visible) && gpus.equals(other.gpus);
  }
}
