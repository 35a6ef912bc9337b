package io.plumbline.spark.training;

import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ShardSize;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.settings.Heading;
import io.plumbline.settings.Option;
import io.plumbline.spark.gang.DeviceChoice;

/**
 * Where ranks compute, and with which numbers.
 *
 * @param threadsPerRank threads that PyTorch uses in a rank; 0 for the task's share of the cores
 * @param device on what kind of device ranks compute
 * @param restarts what the run outlasts
 */
@Heading("Cluster and arithmetic")
public record ClusterSettings(
    @Option(
            help =
                "Ranks of the gang: one task each, all at once. Without a cluster, the embedded Spark"
                    + " is local[N].",
            standard = "1",
            min = 1,
            decidesNothing = "a step's rows do not depend on the number of ranks")
        int ranks,
    @Option(
            help = "Threads that PyTorch uses in a rank; 0 for the task's share of the cores.",
            standard = "0",
            min = 0,
            decidesNothing = "where sums are computed, up to rounding")
        int threadsPerRank,
    @Option(
            help =
                "Where ranks compute: auto takes the GPU that Spark gives a rank's task, one a rank,"
                    + " and the CPU where it gives none.",
            standard = "auto",
            decidesNothing = "where sums are computed, up to rounding")
        DeviceChoice device,
    @Option(
            help =
                "In which type kernels multiply; masters, gradients and all-reduce are f32 either"
                    + " way. (TRL: bf16.)",
            standard = "f32",
            neutral = "f32")
        ComputeDtype computeDtype,
    @Option(
            help = "Type of the weights in checkpoint/.",
            standard = "f32",
            decidesNothing = "how the result is written")
        WeightDtype saveDtype,
    @Option(
            help =
                "The most that one weight file of checkpoint/ takes, such as 5GB, 500MB or 2GiB;"
                    + " what takes more is written as several files with an index.",
            label = "SIZE",
            standard = "5GB",
            decidesNothing = "how the result is written")
        ShardSize maxShardSize,
    RestartSettings restarts) {

  /** Type of the weights in the checkpoint that is saved. */
  public enum WeightDtype {
    F32,
    F16,
    BF16;

    /** The type as files of weights have it. */
    public Dtype dtype() {
      return Dtype.valueOf(name());
    }
  }

  /** How the checkpoint's weights are written. */
  WeightFormat saved() {
    return new WeightFormat(saveDtype.dtype(), maxShardSize);
  }
}
