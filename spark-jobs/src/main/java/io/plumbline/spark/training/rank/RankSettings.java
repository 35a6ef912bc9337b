package io.plumbline.spark.training.rank;

import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.LoraSettings;
import io.plumbline.train.LoopSettings;
import java.io.Serializable;
import java.time.Duration;

/**
 * How ranks train, the same on all of them.
 *
 * @param globalBatchSize rows a step, over all ranks
 * @param saved how the weights of the checkpoint are written
 * @param lora whether an adapter is trained in place of all weights
 * @param deadline how long a rank waits for its peers in one operation
 */
public record RankSettings(
    int globalBatchSize,
    ComputeDtype computeDtype,
    WeightFormat saved,
    long seed,
    LoraSettings lora,
    LoopSettings loop,
    Duration deadline)
    implements Serializable {
  /** Rounding alone keeps below these, in nats a token on average. */
  private static final double F32_DRIFT = 1e-4;

  private static final double BF16_DRIFT = 5e-2;

  /** How far rounding alone takes two passes of the same weights apart, in nats a token. */
  public double drift() {
    return computeDtype == ComputeDtype.BF16 ? BF16_DRIFT : F32_DRIFT;
  }
}
