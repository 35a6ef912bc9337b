package io.plumbline.spark.run;

/** How a run treats an output directory that has something in it. */
public enum Start {
  /** Refuses to write over another run. */
  FRESH,
  /** Continues from the newest complete checkpoint, or starts if there is none. */
  RESUME,
  /** Deletes what is there. */
  OVERWRITE
}
