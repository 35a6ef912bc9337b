package io.plumbline.spark.gang;

import io.plumbline.collective.Collective;
import io.plumbline.tensor.Device;
import java.util.List;

/** A rank as its task sees it. */
public interface GangMember {
  int rank();

  int worldSize();

  /** 0 at first; counts up with each retry of the gang. */
  int attempt();

  Collective collective();

  /** Where each rank runs, by rank. */
  List<Placement> placements();

  /**
   * The device of this rank, found to work.
   *
   * @throws io.plumbline.error.PlumblineException CLUSTER_UNFIT where ranks and GPUs are not one to
   *     one, or there is no such device
   */
  default Device device(DeviceChoice choice) {
    return Placement.device(choice, rank(), placements());
  }

  /** Throws INTERRUPTED if Spark has asked this task to stop. Call it at least once a step. */
  void checkInterrupted();

  /** Whether the driver has asked the gang to stop at its next step; one rank hears it. */
  boolean isAskedToStop();

  /** Sends one line to the driver's listener while the job runs; never blocks or fails training. */
  void publish(String line);
}
