package io.plumbline.model;

import io.plumbline.checkpoint.ModelDirectory;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import java.util.function.IntFunction;

/**
 * A model directory as a configuration and weights that are known to fit each other, as
 * transformers 5.23's {@code from_pretrained} reads it. Nothing is read but headers; the one
 * exception is a checkpoint whose configuration ties a head that the file also holds.
 *
 * @param config with the head as the file has it
 * @param weights under Llama's names
 */
record Checkpoint(DecoderConfig config, WeightSource weights) {
  /**
   * Reads and checks a directory.
   *
   * @throws PlumblineException BAD_CHECKPOINT where the architecture is not supported or the
   *     weights do not fit it
   */
  static Checkpoint of(ModelDirectory directory, Head head) {
    DecoderConfig config = DecoderConfig.parse(directory.config(), directory.path());
    DirectoryWeights weights = DirectoryWeights.of(directory, config);
    if (head == Head.TOKENS && config.tiedEmbeddings()) {
      boolean own = weights.names().contains(config.names().head());
      if (!own) {
        refuseEmbeddingApart(directory, config);
      }
      if (own && !weights.names().contains(config.names().embedding())) {
        weights = weights.withEmbeddingOfHead();
      } else if (own && weights.headIsEmbedding()) {
        weights = weights.without(config.names().head());
      } else if (own) {
        // transformers does not tie what differs in the file, whatever the configuration says.
        config = config.untied();
      }
    }
    return checked(config, head, weights, weights.forHead(head));
  }

  /** PEFT trains a copy of the embedding alone, and the head stays what the embedding was. */
  private static void refuseEmbeddingApart(ModelDirectory directory, DecoderConfig config) {
    String module = config.names().embedding().replaceFirst("\\.weight$", "");
    directory
        .adapter()
        .filter(adapter -> adapter.config().saved().stream().anyMatch(module::endsWith))
        .ifPresent(
            adapter -> {
              throw new PlumblineException(
                  ErrorCode.BAD_CHECKPOINT,
                  "%s trained %s whole and not the head, which the model's configuration ties to it: train both (modules_to_save), or merge the adapter in PEFT and save it with tie_word_embeddings false."
                      .formatted(adapter.path(), module));
            });
  }

  /**
   * A decoder under a score head of the caller's, which takes the place of any head in there.
   *
   * @param values of the head, [hidden], by the hidden size
   */
  static Checkpoint withScoreHead(ModelDirectory directory, IntFunction<float[]> values) {
    DecoderConfig config = DecoderConfig.parse(directory.config(), directory.path());
    DirectoryWeights weights = DirectoryWeights.of(directory, config);
    float[] head = values.apply(config.hiddenSize());
    WeightSource under = LoadedWeights.withScoreHead(weights.forHead(Head.SCORE), head);
    return checked(config, Head.SCORE, weights, under);
  }

  private static Checkpoint checked(
      DecoderConfig config, Head head, DirectoryWeights stored, WeightSource read) {
    WeightCheck.require(config, head, read);
    stored.requirePlainNumbers(config, head);
    return new Checkpoint(config, read);
  }
}
