package io.plumbline.spark.reference;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.spark.gang.DeviceChoice;
import io.plumbline.tensor.HeldDtype;
import java.io.Serializable;
import java.time.Duration;

/**
 * How reference log-probabilities are computed and where they are kept.
 *
 * @param cacheDirectory any Hadoop path; may be shared by runs and teams, also at the same time
 * @param dtype in which type the reference model's kernels multiply; values of different types are
 *     kept apart
 * @param held in which type the reference's matrices of layers are held; as {@code dtype}
 * @param device on what kind of device tasks compute
 * @param threadsPerTask threads that PyTorch uses in a task; 0 for the cores that Spark gives one
 * @param tokensPerBatch token budget of one forward pass, padding included; a row that is longer
 *     goes alone
 * @param rowsPerPart a part file is written after so many rows
 * @param partInterval … or after so long, whichever comes first: what a killed task can lose
 */
public record ReferenceSettings(
    String cacheDirectory,
    ComputeDtype dtype,
    HeldDtype held,
    DeviceChoice device,
    int threadsPerTask,
    int tokensPerBatch,
    int rowsPerPart,
    Duration partInterval)
    implements Serializable {

  public ReferenceSettings {
    if (cacheDirectory.isBlank()) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The reference cache needs a directory, but its path is empty; give one with"
              + " --reference-cache.");
    }
    if (threadsPerTask < 0 || tokensPerBatch < 1 || rowsPerPart < 1) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "The reference stage needs threads per task of at least 0, tokens per batch and rows per"
              + " part of at least 1, but got %d, %d and %d."
                  .formatted(threadsPerTask, tokensPerBatch, rowsPerPart));
    }
  }

  /** A cache with the usual batch and part sizes. */
  public static ReferenceSettings of(String cacheDirectory, ComputeDtype dtype) {
    return new ReferenceSettings(
        cacheDirectory,
        dtype,
        HeldDtype.F32,
        DeviceChoice.AUTO,
        0,
        8192,
        512,
        Duration.ofSeconds(30));
  }

  public ReferenceSettings withHeld(HeldDtype other) {
    return new ReferenceSettings(
        cacheDirectory,
        dtype,
        other,
        device,
        threadsPerTask,
        tokensPerBatch,
        rowsPerPart,
        partInterval);
  }

  public ReferenceSettings withDevice(DeviceChoice choice) {
    return new ReferenceSettings(
        cacheDirectory,
        dtype,
        held,
        choice,
        threadsPerTask,
        tokensPerBatch,
        rowsPerPart,
        partInterval);
  }

  public ReferenceSettings withThreadsPerTask(int threads) {
    return new ReferenceSettings(
        cacheDirectory, dtype, held, device, threads, tokensPerBatch, rowsPerPart, partInterval);
  }

  public ReferenceSettings withTokensPerBatch(int tokens) {
    return new ReferenceSettings(
        cacheDirectory, dtype, held, device, threadsPerTask, tokens, rowsPerPart, partInterval);
  }
}
