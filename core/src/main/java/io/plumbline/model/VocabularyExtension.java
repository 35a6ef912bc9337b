package io.plumbline.model;

import io.plumbline.checkpoint.Dtype;
import io.plumbline.checkpoint.InitModel.EmbeddingSharing;
import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.checkpoint.ModelDirectory.TensorInfo;
import io.plumbline.checkpoint.ModelDirectoryWriter;
import io.plumbline.checkpoint.TensorSource;
import io.plumbline.checkpoint.WeightFormat;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.storage.Storage;
import io.plumbline.text.AddedTokens;
import io.plumbline.text.Tokenizer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * A checkpoint with more tokens, as transformers' {@code tokenizer.add_tokens} and {@code
 * model.resize_token_embeddings(len(tokenizer))} make it. Rows that the embedding has beyond its
 * tokenizer, as Qwen's does, are taken first, and stay as they are.
 *
 * @param ids of the tokens
 * @param addedRows of the embedding, and of a head that is not the embedding
 */
public record VocabularyExtension(Map<String, Integer> ids, int addedRows) {

  /**
   * Writes a model directory with more tokens than another.
   *
   * @param seed of the new rows; the same seed gives the same files
   * @throws PlumblineException BAD_CHECKPOINT where the model is not supported or has no tokenizer
   */
  public static VocabularyExtension write(
      ModelDirectory start, AddedTokens tokens, long seed, Storage storage, String path) {
    boolean scores = start.kind() == ModelDirectory.Kind.REWARD_MODEL;
    if (scores) {
      ScoreModel.check(start);
    } else {
      CausalLm.check(start);
    }
    Head head = scores ? Head.SCORE : Head.TOKENS;
    Checkpoint checkpoint = Checkpoint.of(start, head);
    DecoderConfig config = checkpoint.config();
    List<ParameterShape> parameters =
        config.segmentShapes(head).stream()
            .flatMap(segment -> segment.parameters().stream())
            .toList();
    AddedTokens.Outcome added = tokens.to(start.tokenizerFiles());
    int size;
    int eos;
    try (Tokenizer tokenizer = Tokenizer.of(added.files())) {
      size = tokenizer.vocabularySize();
      eos = tokenizer.eosTokenId().orElse(-1);
    }
    Set<String> stored =
        parameters.stream()
            .map(parameter -> checkpoint.weights().nameInFile(parameter.name()))
            .collect(Collectors.toSet());
    int more = Math.max(0, size - config.vocabSize());
    ModelDirectoryWriter writer =
        ModelDirectoryWriter.carrying(start)
            .withTokenizerFiles(added.files())
            .withVocabularySize(config.vocabSize() + more)
            .withFormat(WeightFormat.of(dtype(start, stored)));
    if (tokens.eos().isPresent()) {
      writer = writer.withEos(eos);
    }
    writer =
        scores
            ? writer.asRewardModel()
            : writer.asLanguageModel(
                config.tiedEmbeddings() ? EmbeddingSharing.TIED : EmbeddingSharing.SEPARATE);
    Set<String> grown = Set.of(config.names().embedding(), config.names().head());
    List<TensorSource> tensors =
        parameters.stream()
            .map(
                parameter ->
                    more > 0 && grown.contains(parameter.name())
                        ? grown(start, checkpoint, parameter, more, seed)
                        : copied(start, checkpoint, parameter))
            .toList();
    writer.write(storage, path, tensors);
    return new VocabularyExtension(added.ids(), more);
  }

  /**
   * The type of all weights; f32 where there are several, or one that is not written.
   *
   * @param stored the names of the weights in the files, where buffers may be besides
   */
  private static Dtype dtype(ModelDirectory start, Set<String> stored) {
    Set<String> found = new TreeSet<>();
    for (TensorInfo tensor : start.tensors()) {
      if (stored.contains(tensor.name())) {
        found.add(tensor.dtype());
      }
    }
    for (Dtype dtype : List.of(Dtype.F16, Dtype.BF16)) {
      if (found.equals(Set.of(dtype.name()))) {
        return dtype;
      }
    }
    return Dtype.F32;
  }

  private static TensorSource grown(
      ModelDirectory start, Checkpoint checkpoint, ParameterShape parameter, int more, long seed) {
    return new AddedRows(
        parameter.name(),
        start,
        checkpoint.weights().nameInFile(parameter.name()),
        Math.toIntExact(parameter.shape()[0]),
        Math.toIntExact(parameter.shape()[1]),
        more,
        seed ^ parameter.name().hashCode());
  }

  private static TensorSource copied(
      ModelDirectory start, Checkpoint checkpoint, ParameterShape parameter) {
    return new StoredTensor(
        parameter.name(),
        parameter.shape(),
        start,
        checkpoint.weights().nameInFile(parameter.name()));
  }
}
