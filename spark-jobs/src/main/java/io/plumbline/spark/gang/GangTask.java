package io.plumbline.spark.gang;

import java.io.Serializable;

/** What every rank runs. */
@FunctionalInterface
public interface GangTask extends Serializable {
  /** The result of rank 0 comes back to the driver; the others' are dropped. */
  String run(GangMember member) throws Exception;
}
