package io.plumbline.spark.training;

import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.TensorSource;
import io.plumbline.model.CausalLm;
import io.plumbline.storage.Storage;
import io.plumbline.tensor.Segment;
import java.util.ArrayList;
import java.util.List;

/** Turns a policy in memory into a Hugging Face directory. */
final class Checkpoints {
  private Checkpoints() {}

  /** Writes the policy's weights with everything else of the model that it started from. */
  static void write(
      Storage storage,
      String path,
      ModelDirectory start,
      CausalLm policy,
      TrainingRequest.WeightDtype dtype) {
    List<TensorSource> tensors = new ArrayList<>();
    for (Segment segment : policy.segments()) {
      for (Segment.Slice slice : segment.slices()) {
        tensors.add(
            TensorSource.of(
                slice.name(),
                slice.shape(),
                () ->
                    segment
                        .values()
                        .slice(Math.toIntExact(slice.offset()), Math.toIntExact(slice.length()))));
      }
    }
    ModelDirectoryWriter.carrying(start).withDtype(dtype(dtype)).write(storage, path, tensors);
  }

  static Dtype dtype(TrainingRequest.WeightDtype dtype) {
    return switch (dtype) {
      case F32 -> Dtype.F32;
      case F16 -> Dtype.F16;
      case BF16 -> Dtype.BF16;
    };
  }
}
