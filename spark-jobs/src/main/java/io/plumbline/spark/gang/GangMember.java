package io.plumbline.spark.gang;

import io.plumbline.collective.Collective;
import java.util.OptionalInt;

/** A rank as its task sees it. */
public interface GangMember {
  int rank();

  int worldSize();

  /** 0 at first; counts up with each retry of the gang. */
  int attempt();

  Collective collective();

  /** The index of the GPU that Spark assigned to this task, if any. */
  OptionalInt gpu();

  /** Throws INTERRUPTED if Spark has asked this task to stop. Call it at least once a step. */
  void checkInterrupted();

  /** Sends one line to the driver's listener while the job runs; never blocks or fails training. */
  void publish(String line);
}
