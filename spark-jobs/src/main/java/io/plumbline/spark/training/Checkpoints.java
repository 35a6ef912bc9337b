package io.plumbline.spark.training;

import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.model.CausalLm;
import io.plumbline.storage.Storage;

/** Turns a policy in memory into a Hugging Face directory. */
final class Checkpoints {
  private Checkpoints() {}

  /** Writes the policy's weights with everything else of the model that it started from. */
  static void write(
      Storage storage,
      String path,
      ModelDirectory start,
      CausalLm policy,
      ClusterSettings.WeightDtype dtype) {
    policy.write(storage, path, start, dtype(dtype));
  }

  static Dtype dtype(ClusterSettings.WeightDtype dtype) {
    return switch (dtype) {
      case F32 -> Dtype.F32;
      case F16 -> Dtype.F16;
      case BF16 -> Dtype.BF16;
    };
  }
}
