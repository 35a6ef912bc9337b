package io.plumbline.model;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.model.architecture.DecoderConfig.ParameterShape;

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
   */
  public record Parameters(long weights, long trained, int momentBytes, Trained kind) {
    /** All of a model in f32. */
    public static Parameters full(DecoderConfig config, Head head, int momentBytes) {
      long all =
          config.segmentShapes(head).stream()
              .flatMap(segment -> segment.parameters().stream())
              .mapToLong(ParameterShape::elements)
              .sum();
      return new Parameters(all * Float.BYTES, all, momentBytes, Trained.WEIGHTS);
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
    Layer layer = new Layer(config, pass, dtype, parameters.kind());
    boolean keeps = memory == ActivationMemory.KEEP;
    long stream = pass.places() * config.hiddenSize() * Float.BYTES;
    long logits = pass.predicted() * config.vocabSize() * Float.BYTES;
    long kept = keeps && logits <= TokenPass.KEPT_LOGITS_BYTES ? logits : 0;
    long activations = (keeps ? layer.kept() : stream) * config.layers() + kept;
    long backThroughHead =
        CHUNKS_OF_LOGITS * Decoder.CHUNK_BYTES + castHead(config, pass, dtype, parameters.kind());
    // Kept logits are gathered from chunks when all of them are there.
    long head = Math.max(backThroughHead, kept) + 3 * stream;
    long back = layer.passing() + (keeps ? 0 : layer.kept());
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
  private static long castHead(
      DecoderConfig config, Pass pass, ComputeDtype dtype, Trained trained) {
    if (dtype == ComputeDtype.F32 || pass.predicted() == 0) {
      return 0;
    }
    long elements = (long) config.vocabSize() * config.hiddenSize();
    return trained == Trained.ADAPTERS
        ? elements * Short.BYTES
        : 2 * elements * (Short.BYTES + Float.BYTES);
  }

  public long total() {
    return weights + gradients + moments + activations + passing + unused;
  }

  /** One layer, in bytes. */
  private record Layer(long kept, long passing) {
    Layer(DecoderConfig config, Pass pass, ComputeDtype dtype, Trained trained) {
      this(counted(config, pass, dtype, trained), passing(config, pass, trained));
    }

    private static long counted(
        DecoderConfig config, Pass pass, ComputeDtype dtype, Trained trained) {
      int size = dtype == ComputeDtype.BF16 ? Short.BYTES : Float.BYTES;
      long hidden = config.hiddenSize();
      long perPlace = 0;
      // Its input, and the stream behind attention.
      perPlace += 2 * hidden * Float.BYTES;
      // Of each norm the output in the type of the products, which its gradient needs or those of
      // adapters do, and the normalized input for the gradient of its weight.
      long normalized = trained == Trained.WEIGHTS ? Float.BYTES : 0;
      perPlace += norms(config) * hidden * (normalized + size);
      perPlace += attention(config, pass, size);
      perPlace += feedForward(config) * size;
      long cast = dtype == ComputeDtype.BF16 ? matrices(config) * Short.BYTES : 0;
      return pass.places() * perPlace + cast;
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
    private static long feedForward(DecoderConfig config) {
      long all = 0;
      long least = Long.MAX_VALUE;
      for (ParameterShape shape : config.layerShapes()) {
        if (shape.shape().length == 2 && shape.name().contains("mlp")) {
          all += shape.elements() / config.hiddenSize();
          least = Math.min(least, shape.elements() / config.hiddenSize());
        }
      }
      // With a gate three matrices of one width, and four numbers; without one two and two.
      return all == 0 ? 0 : 2 * (all - least);
    }

    private static long norms(DecoderConfig config) {
      return config.layerShapes().stream()
          .filter(shape -> shape.shape().length == 1 && shape.name().endsWith(".weight"))
          .filter(shape -> shape.elements() == config.hiddenSize())
          .count();
    }

    private static long matrices(DecoderConfig config) {
      return config.layerShapes().stream()
          .filter(shape -> shape.shape().length == 2)
          .mapToLong(ParameterShape::elements)
          .sum();
    }

    /** What exists while a layer goes back: gradients of its weights and of what it made. */
    private static long passing(DecoderConfig config, Pass pass, Trained trained) {
      long weights =
          trained == Trained.ADAPTERS
              ? 0
              : config.layerShapes().stream().mapToLong(ParameterShape::elements).sum()
                  * Float.BYTES;
      long scores = grouped(config) ? PASSING_SCORES * config.heads() * pass.longest() : 0;
      return weights
          + pass.places()
              * Float.BYTES
              * (3L * config.hiddenSize() + Math.max(feedForward(config), scores));
    }
  }
}
