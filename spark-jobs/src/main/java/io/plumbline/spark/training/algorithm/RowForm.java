package io.plumbline.spark.training.algorithm;

import io.plumbline.data.LossOn;

/**
 * What becomes of rows once they are read.
 *
 * @param lossOn which tokens of supervised rows are learned
 * @param packing whether rows are put together to the longest length
 */
public record RowForm(Completions completions, LossOn lossOn, Packing packing) {
  /** Rows as they are. */
  public static final RowForm PLAIN = new RowForm(Completions.OWN, LossOn.COMPLETION, Packing.OFF);

  /** Which completions a row has. */
  public enum Completions {
    OWN,
    /** Its own, and one of another prompt beside it, for KTO's estimate of the KL. */
    MISMATCHED
  }

  /** Whether rows are put together. */
  public enum Packing {
    OFF,
    /** Best fit, the longest first: TRL's default strategy. */
    BFD
  }
}
