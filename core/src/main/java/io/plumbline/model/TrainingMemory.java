package io.plumbline.model;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;
import io.plumbline.tensor.HeldDtype;
import java.util.List;

/**
 * The native memory that a training pass of a decoder takes at its peak, in bytes; without what the
 * process takes for itself. An estimate: it counts the tensors that kernels keep for backward, as
 * {@code layers.py} and {@code head.py} make them, and those that exist while one layer or the head
 * goes back. The allocator of the C library holds more than lives.
 *
 * @param weights all parameters that are held
 * @param gradients of those that are trained
 * @param moments what the optimizer keeps of those
 * @param activations what backward needs again
 * @param passing what exists for a moment, at the worst one
 * @param unused what the C library holds of memory that was freed between these
 */
public record TrainingMemory(
    long weights, long gradients, long moments, long activations, long passing, long unused) {
  /**
   * Unused memory by memory that lives, measured on SmolLM2-135M. glibc does not give back what is
   * freed below its threshold of mapping, which grows with what is freed.
   */
  private static final double UNUSED = 0.35;

  /**
   * What is held beside that in every pass, however small, measured on SmolLM2-135M: buffers of the
   * libraries that multiply, and pieces of memory of each thread that are partly used.
   */
  private static final long WORKSPACE = 128L << 20;

  /** Logits that exist at once beside those that are kept: with their derivatives. */
  private static final int CHUNKS_OF_LOGITS = 5;

  /** Scores of attention that a layer makes for each that it keeps. */
  private static final long PASSING_SCORES = 2;

  /** Which weights of layers have gradients. */
  public enum Trained {
    /** All of them. */
    WEIGHTS,
    /** Adapters beside them. */
    ADAPTERS
  }

  /**
   * What is trained of a model, and what with.
   *
   * @param weights bytes of all parameters, trained or not
   * @param trained how many parameters have gradients
   * @param momentBytes bytes that the optimizer keeps of each of them
   * @param kind which they are
   * @param matrices the type in which those of layers are held, as {@link BaseStorage} says
   */
  public record Parameters(
      long weights, long trained, int momentBytes, Trained kind, HeldDtype matrices) {
    /** All of a model in f32. */
    public static Parameters full(DecoderConfig config, Head head, int momentBytes) {
      long all =
          config.segmentShapes(head).stream()
              .flatMap(segment -> segment.parameters().stream())
              .mapToLong(ParameterShape::elements)
              .sum();
      return new Parameters(all * Float.BYTES, all, momentBytes, Trained.WEIGHTS, HeldDtype.F32);
    }
  }

  /**
   * A micro-batch.
   *
   * @param places tokens of all its rows, padding included
   * @param longest tokens of its longest row, prompt and all completions
   * @param predicted tokens whose log-probabilities are computed; 0 under a score head
   */
  public record Pass(long places, long longest, long predicted) {}

  /** The memory of one rank that trains one model. */
  public static TrainingMemory of(
      DecoderConfig config,
      Parameters parameters,
      Pass pass,
      ComputeDtype dtype,
      ActivationMemory memory) {
    HeldDtype matrices = parameters.matrices();
    List<Layer> layers =
        config.layerShapes().stream()
            .map(shapes -> new Layer(config, shapes, pass, dtype, parameters))
            .toList();
    boolean keeps = BaseStorage.kept(matrices, dtype, memory) == ActivationMemory.KEEP;
    long stream = pass.places() * config.hiddenSize() * Float.BYTES;
    long logits = pass.predicted() * config.vocabSize() * Float.BYTES;
    long kept = keeps && logits <= TokenPass.KEPT_LOGITS_BYTES ? logits : 0;
    long inLayers = keeps ? layers.stream().mapToLong(Layer::kept).sum() : stream * config.layers();
    long activations = inLayers + kept;
    long backThroughHead =
        CHUNKS_OF_LOGITS * Decoder.CHUNK_BYTES
            + (pass.predicted() == 0 ? 0 : castHead(config, dtype, parameters));
    // Kept logits are gathered from chunks when all of them are there.
    long head = Math.max(backThroughHead, kept) + 3 * stream;
    long back =
        layers.stream()
            .mapToLong(layer -> layer.passing() + (keeps ? 0 : layer.kept()))
            .max()
            .orElse(0);
    // The head's logits are gone when the first layer goes back.
    long passing = Math.max(head, back - kept);
    return new TrainingMemory(
        parameters.weights(),
        parameters.trained() * Float.BYTES,
        parameters.trained() * parameters.momentBytes(),
        activations,
        passing,
        WORKSPACE + (long) (UNUSED * (activations + passing)));
  }

  /**
   * The head's weights in the type in which they are multiplied, and the gradient of those that are
   * trained.
   */
  private static long castHead(DecoderConfig config, ComputeDtype dtype, Parameters parameters) {
    long elements = (long) config.vocabSize() * config.hiddenSize();
    if (dtype == ComputeDtype.F32) {
      return parameters.matrices() == HeldDtype.F32 ? 0 : elements * Float.BYTES;
    }
    if (parameters.kind() == Trained.WEIGHTS) {
      return 2 * elements * (Short.BYTES + Float.BYTES);
    }
    return parameters.matrices() == HeldDtype.F32 ? elements * Short.BYTES : 0;
  }

  public long total() {
    return weights + gradients + moments + activations + passing + unused;
  }

  /** One layer, in bytes. */
  private record Layer(long kept, long passing) {
    Layer(
        DecoderConfig config,
        List<ParameterShape> shapes,
        Pass pass,
        ComputeDtype dtype,
        Parameters parameters) {
      this(
          counted(config, shapes, pass, dtype, parameters.kind())
              + copies(shapes, dtype, parameters.matrices()),
          passing(config, shapes, pass, parameters.kind()));
    }

    /** The matrices in the type in which they are multiplied, where they are held in another. */
    private static long copies(
        List<ParameterShape> shapes, ComputeDtype dtype, HeldDtype matrices) {
      return switch (dtype) {
        case F32 -> matrices == HeldDtype.F32 ? 0 : matrices(shapes) * Float.BYTES;
        case BF16 -> matrices == HeldDtype.BF16 ? 0 : matrices(shapes) * Short.BYTES;
      };
    }

    private static long counted(
        DecoderConfig config,
        List<ParameterShape> shapes,
        Pass pass,
        ComputeDtype dtype,
        Trained trained) {
      int size = dtype == ComputeDtype.BF16 ? Short.BYTES : Float.BYTES;
      long hidden = config.hiddenSize();
      long perPlace = 0;
      // Its input, and the stream behind attention.
      perPlace += 2 * hidden * Float.BYTES;
      // Of each norm the output in the type of the products, which its gradient needs or those of
      // adapters do, and the normalized input for the gradient of its weight.
      long normalized = trained == Trained.WEIGHTS ? Float.BYTES : 0;
      perPlace += norms(config, shapes) * hidden * (normalized + size);
      perPlace += attention(config, pass, size);
      perPlace += feedForward(config, shapes) * size;
      return pass.places() * perPlace;
    }

    /** Bytes that attention keeps of a place. */
    private static long attention(DecoderConfig config, Pass pass, int size) {
      long queries = (long) config.heads() * config.headDim();
      long keys = (long) config.kvHeads() * config.headDim();
      if (grouped(config)) {
        // By products and a softmax in f32: scaled queries and keys, values, and what the softmax
        // gives.
        long scores = config.heads() * pass.longest();
        return (3 * queries + scores) * Float.BYTES + queries * size;
      }
      // In one kernel: queries, keys and values, as the projection gave them and rotated, and the
      // output.
      return (3 * queries + 3 * keys) * size;
    }

    /** Whether query heads share keys, which PyTorch computes by plain products on a CPU. */
    private static boolean grouped(DecoderConfig config) {
      return config.heads() != config.kvHeads();
    }

    /**
     * Numbers that the feed-forward network keeps of a place: gate, up, and what is made of them.
     */
    private static long feedForward(DecoderConfig config, List<ParameterShape> shapes) {
      for (ParameterShape shape : shapes) {
        if (shape.name().startsWith("mlp.experts.")) {
          // The same of each expert that a place has, with its input and its output.
          return config.kernels().expertsPerToken()
              * (4 * shape.shape()[0] + 2L * config.hiddenSize());
        }
      }
      long all = 0;
      long least = Long.MAX_VALUE;
      for (ParameterShape shape : shapes) {
        if (shape.shape().length == 2 && shape.name().contains("mlp")) {
          all += shape.elements() / config.hiddenSize();
          least = Math.min(least, shape.elements() / config.hiddenSize());
        }
      }
      // With a gate three matrices of one width, and four numbers; without one two and two.
      return all == 0 ? 0 : 2 * (all - least);
    }

    private static long norms(DecoderConfig config, List<ParameterShape> shapes) {
      return shapes.stream()
          .filter(shape -> shape.shape().length == 1 && shape.name().endsWith(".weight"))
          .filter(shape -> shape.elements() == config.hiddenSize())
          .count();
    }

    private static long matrices(List<ParameterShape> shapes) {
      return shapes.stream()
          .filter(shape -> shape.shape().length == 2)
          .mapToLong(ParameterShape::elements)
          .sum();
    }

    /** What exists while a layer goes back: gradients of its weights and of what it made. */
    private static long passing(
        DecoderConfig config, List<ParameterShape> shapes, Pass pass, Trained trained) {
      long weights =
          trained == Trained.ADAPTERS
              ? 0
              : shapes.stream().mapToLong(ParameterShape::elements).sum() * Float.BYTES;
      long scores = grouped(config) ? PASSING_SCORES * config.heads() * pass.longest() : 0;
      return weights
          + pass.places()
              * Float.BYTES
              * (3L * config.hiddenSize() + Math.max(feedForward(config, shapes), scores));
    }
  }
}
