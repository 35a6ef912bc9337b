package io.plumbline.model;

import io.plumbline.checkpoint.InitModel.EmbeddingSharing;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.TensorInfo;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.TensorSource;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;

/** Writes a model with an adapter as one without: PEFT's {@code merge_and_unload}. */
public final class AdapterMerge {
  private AdapterMerge() {}

  /**
   * Writes a checkpoint that loads without the adapter.
   *
   * @param model with an adapter
   */
  public static void write(
      Storage storage, ModelDirectory model, String output, WeightFormat format) {
    model.requireFinite();
    DecoderConfig config = DecoderConfig.parse(model.config(), model.path());
    ModelDirectoryWriter writer = ModelDirectoryWriter.carrying(model);
    boolean scores = ScoreModel.hasHead(model);
    if (scores) {
      ScoreModel.check(model);
      writer =
          ScoreModel.hasHead(model.base()) ? writer.asRewardModel() : writer.asNewRewardModel();
    } else {
      boolean tied = CausalLm.check(model).tiedEmbeddings();
      writer = writer.asLanguageModel(tied ? EmbeddingSharing.TIED : EmbeddingSharing.SEPARATE);
    }
    List<TensorSource> tensors = new ArrayList<>();
    for (TensorInfo tensor : model.tensors()) {
      // A head that predicts tokens is none of a model that scores.
      if (!(scores && tensor.name().equals(config.names().head()))) {
        tensors.add(new StoredTensor(tensor.name(), tensor.shape(), model, tensor.name()));
      }
    }
    writer.withFormat(format).write(storage, output, tensors);
  }
}
