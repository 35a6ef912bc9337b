package io.plumbline.model.architecture;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.error.PlumblineException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The architecture of a decoder, read from a Hugging Face config.json in the form of transformers 4
 * or 5.
 *
 * @param family the config's model_type
 * @param kinds the kind of each layer
 * @param layerShapes the parameters of each layer, by their names in it, in the order of its buffer
 * @param kernels what the kernels are compiled from
 * @param embeddings whether the head is the embedding
 * @param padTokenId the token that pads, which a reward model looks for; a negative number for none
 */
public record DecoderConfig(
    String family,
    Sizes sizes,
    List<LayerKind> kinds,
    List<List<ParameterShape>> layerShapes,
    FamilyKernels kernels,
    Embeddings embeddings,
    int padTokenId,
    TensorNames names) {
  /** Whether one tensor is the embedding and the token head. */
  public enum Embeddings {
    TIED,
    SEPARATE
  }

  /** What stands on top of the layers. */
  public enum Head {
    /** Predicts the next token: {@code lm_head.weight}, or the embedding where they are tied. */
    TOKENS,
    /** Gives one number: {@code score.weight}, [1, hidden]. */
    SCORE
  }

  /** The score head's weight by its Hugging Face name. */
  /** The end of the names of what chooses experts. */
  public static final String ROUTER = "mlp.gate.weight";

  public static final String SCORE_WEIGHT = "score.weight";

  /** A parameter by its Hugging Face name. */
  public record ParameterShape(String name, long[] shape) {
    public long elements() {
      return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof ParameterShape p
          && name.equals(p.name)
          && Arrays.equals(shape, p.shape);
    }

    @Override
    public int hashCode() {
      return 31 * name.hashCode() + Arrays.hashCode(shape);
    }
  }

  /** The parameters of one segment, in the order of its buffer. */
  public record SegmentShape(String name, List<ParameterShape> parameters) {}

  /**
   * Reads and checks a configuration.
   *
   * @param where what messages call the checkpoint, such as its path
   * @throws PlumblineException BAD_CHECKPOINT where the architecture or one of its settings is not
   *     supported
   */
  public static DecoderConfig parse(ObjectNode config, String where) {
    return Families.read(new ConfigFields(config, where));
  }

  /** This configuration with a head that is not the embedding. */
  public DecoderConfig untied() {
    return new DecoderConfig(
        family, sizes, kinds, layerShapes, kernels, Embeddings.SEPARATE, padTokenId, names);
  }

  /** This configuration with other names of tensors. */
  DecoderConfig named(TensorNames others) {
    return new DecoderConfig(
        family, sizes, kinds, layerShapes, kernels, embeddings, padTokenId, others);
  }

  /** Rows of learned vectors of positions behind those of tokens; 0 for none. */
  public int learnedPositions() {
    return names.positions().isEmpty() ? 0 : maxPositions();
  }

  /** Parameters of the norm before the heads: its weight, and its bias if it has one. */
  public int normParameters() {
    return names.normBias().isEmpty() ? hiddenSize() : 2 * hiddenSize();
  }

  public int vocabSize() {
    return sizes.vocabulary();
  }

  /** Width of the residual stream. */
  public int hiddenSize() {
    return sizes.hidden();
  }

  public int layers() {
    return sizes.layers();
  }

  public int heads() {
    return sizes.heads();
  }

  public int kvHeads() {
    return sizes.kvHeads();
  }

  public int headDim() {
    return sizes.headDim();
  }

  /** The longest context the checkpoint promises. */
  public int maxPositions() {
    return sizes.maxPositions();
  }

  /**
   * The longest sequence whose rotary positions are those of short ones; longer ones have others in
   * all of their places. More than any sequence where there is no such bound.
   */
  public int originalPositions() {
    return kinds.stream()
        .mapToInt(kind -> kind.rope().scaling().originalPositions())
        .min()
        .orElse(Integer.MAX_VALUE);
  }

  public boolean tiedEmbeddings() {
    return embeddings == Embeddings.TIED;
  }

  /** All parameters of a language model by segment, in the order of the forward pass. */
  public List<SegmentShape> segmentShapes() {
    return segmentShapes(Head.TOKENS);
  }

  /** All parameters under a head by segment, in the order of the forward pass. */
  public List<SegmentShape> segmentShapes(Head kind) {
    List<SegmentShape> out = new ArrayList<>();
    List<ParameterShape> embedding = new ArrayList<>();
    embedding.add(matrix(names.embedding(), vocabSize(), hiddenSize()));
    if (learnedPositions() > 0) {
      embedding.add(matrix(names.positions(), learnedPositions(), hiddenSize()));
    }
    out.add(new SegmentShape("embedding", List.copyOf(embedding)));
    for (int layer = 0; layer < layers(); layer++) {
      String prefix = names.layers() + layer + ".";
      out.add(
          new SegmentShape(
              "layer " + layer,
              layerShapes.get(layer).stream()
                  .map(p -> new ParameterShape(prefix + p.name(), p.shape()))
                  .toList()));
    }
    List<ParameterShape> head = new ArrayList<>();
    head.add(new ParameterShape(names.norm(), new long[] {hiddenSize()}));
    if (!names.normBias().isEmpty()) {
      head.add(new ParameterShape(names.normBias(), new long[] {hiddenSize()}));
    }
    if (kind == Head.SCORE) {
      head.add(matrix(SCORE_WEIGHT, 1, hiddenSize()));
    } else if (!tiedEmbeddings()) {
      head.add(matrix(names.head(), vocabSize(), hiddenSize()));
    }
    out.add(new SegmentShape("head", List.copyOf(head)));
    return List.copyOf(out);
  }

  /** A language model's parameters in segment order: what its checkpoint holds. */
  public List<ParameterShape> parameterShapes() {
    return segmentShapes().stream().flatMap(s -> s.parameters().stream()).toList();
  }

  private static ParameterShape matrix(String name, long rows, long columns) {
    return new ParameterShape(name, new long[] {rows, columns});
  }
}
