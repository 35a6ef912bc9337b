package io.plumbline.model;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.HeldDtype;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Value;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A model's weights as the kernels take them, and the kernels compiled for its shape. */
final class Decoder implements AutoCloseable {
  /**
   * A layer's weights, and where their gradients go, by name.
   *
   * @param segment what of it is trained, if anything
   * @param gradients those of what is trained; null without any
   */
  record LayerWeights(
      Optional<Segment> segment, Map<String, Value> weights, Value values, Value gradients) {}

  /**
   * Logits of one chunk take at most this much. Three fit into 64 MiB, the pieces in which glibc
   * gives memory to a thread; of what is larger than half a piece each would take one for itself.
   */
  static final long CHUNK_BYTES = 20L << 20;

  final DecoderConfig config;
  final ComputeDtype dtype;
  private final HeldDtype matrices;
  private final Kernels<LayerKernels> layerKernels;
  private final Kernels<HeadKernels> headKernels;
  private final Kernels<GenerationKernels> generationKernels;
  final Optional<Segment> embeddingSegment;
  final Optional<Segment> headSegment;
  final Value embedding;

  /** Null where the embedding is not trained. */
  final Value embeddingGradient;

  final List<LayerWeights> layers;

  /** The lowest layer with anything that is trained, or 0 where the embedding is. */
  final int firstTrained;

  final Value norm;

  /** Empty where the norm is not trained, as {@link #headGradient}. */
  final Value normGradient;

  final Value head;
  final Value headGradient;
  final LayerKinds kinds;

  /** Of inputs of the adapter, while it is trained. */
  final Dropout dropout;

  /** What the dropout of passes with a graph follows from. */
  private volatile long draw;

  final Device device;
  private final Scope scope;

  /**
   * A model with an adapter, which alone is trained if anything is.
   *
   * @param whole all weights of the model, below the adapter
   * @param purpose of the adapter, or of the weights without one
   */
  Decoder(
      DecoderConfig config,
      Head kind,
      ComputeDtype dtype,
      Purpose purpose,
      WholeWeights whole,
      Optional<AdapterWeights> adapter) {
    this.dropout = adapter.map(AdapterWeights::dropout).orElse(Dropout.NONE);
    this.config = config;
    this.dtype = dtype;
    KernelFilling filling = filling(config, dtype, adapter);
    layerKernels = Kernels.load(LayerKernels.class, "layers.py", filling);
    headKernels = Kernels.load(HeadKernels.class, "head.py", filling);
    generationKernels = Kernels.load(GenerationKernels.class, "generation.py", filling);
    matrices = whole.matrices();
    device = whole.segments().get(0).device();
    scope = Scope.on(device);
    DecoderWeights weights =
        new DecoderWeights(config, kind, purpose, whole.segments(), adapter, scope);
    embeddingSegment = weights.trainedEmbedding();
    headSegment = weights.trainedHead();
    embedding = weights.embedding().value();
    embeddingGradient = weights.embedding().gradient().orElse(null);
    Value none = scope.floats(new float[0], 0);
    norm = weights.norm().value();
    normGradient = weights.norm().gradient().orElse(none);
    head = weights.head().value();
    headGradient = weights.head().gradient().orElse(none);
    layers = weights.layers();
    firstTrained = lowestTrained();
    kinds = new LayerKinds(config.kinds(), scope);
  }

  private int lowestTrained() {
    for (int i = 0; i < layers.size() && embeddingGradient == null; i++) {
      if (layers.get(i).segment().isPresent()) {
        return i;
      }
    }
    return embeddingGradient == null ? layers.size() : 0;
  }

  /** What the kernels are compiled with. */
  static KernelFilling filling(DecoderConfig config, ComputeDtype dtype) {
    return filling(config, dtype, Optional.empty());
  }

  private static KernelFilling filling(
      DecoderConfig config, ComputeDtype dtype, Optional<AdapterWeights> adapter) {
    Map<String, String> constants = new HashMap<>();
    constants.put("LAYERS", "" + config.layers());
    constants.put("VOCABULARY", "" + config.vocabSize());
    constants.put("LEARNED_POSITIONS", "" + config.learnedPositions());
    constants.put("HEADS", "" + config.heads());
    constants.put("KV_HEADS", "" + config.kvHeads());
    constants.put("HEAD_DIM", "" + config.headDim());
    constants.put("ROTARY_DIM", "" + config.kinds().get(0).rope().dims());
    constants.put("ORIGINAL_POSITIONS", "" + config.originalPositions());
    constants.put("PAD_TOKEN", "" + config.padTokenId());
    constants.put("COMPUTE_DTYPE", dtype.inKernels());
    constants.put("SCALED_BLOCK", "" + HeldDtype.BLOCK);
    // What changes nothing, where a family does not say otherwise.
    constants.put("ATTENTION_SCALE", "" + 1 / Math.sqrt(config.headDim()));
    constants.put("ATTENTION_SOFT_CAP", "0.0");
    constants.put("EMBEDDING_SCALE", "1.0");
    constants.put("RESIDUAL_SCALE", "1.0");
    constants.put("LOGITS_SCALE", "1.0");
    constants.put("LOGITS_SOFT_CAP", "0.0");
    constants.put("HEAD_NORMS", "False");
    constants.put("GELU_GATE", "False");
    constants.put("EXPERTS_PER_TOKEN", "1");
    constants.put("WHOLE_SHARES", "False");
    constants.put("QKV_BOUND", "0.0");
    constants.put("PARALLEL_RESIDUAL", "False");
    constants.put("FUSED_PROJECTIONS", "False");
    constants.put("TRANSPOSED", "False");
    constants.put("ADAPTED", python(adapter.isPresent()));
    constants.put("DORA", python(adapter.filter(own -> own.plan().weightDecomposed()).isPresent()));
    constants.put("DROPOUT", "" + adapter.map(own -> own.dropout().rate()).orElse(0.0));
    config.kernels().constants().forEach((name, value) -> constants.put(name, python(value)));
    return new KernelFilling(constants, Map.of("family", config.kernels().file()));
  }

  private static String python(Object value) {
    return value instanceof Boolean on ? on ? "True" : "False" : value.toString();
  }

  /** What a training pass keeps that is to keep this. */
  ActivationMemory kept(ActivationMemory asked) {
    return BaseStorage.kept(matrices, dtype, asked);
  }

  /** Kernels of embedding and layers. */
  LayerKernels layerKernels(Scope scope, GraphMode mode) {
    return layerKernels.in(scope, mode);
  }

  /** Kernels of the heads. */
  HeadKernels headKernels(Scope scope, GraphMode mode) {
    return headKernels.in(scope, mode);
  }

  /** Kernels that sample, without a graph. */
  GenerationKernels generationKernels(Scope scope) {
    return generationKernels.in(scope, GraphMode.INFERENCE);
  }

  /** The weights of all layers and of what is around them, matrices cast once. */
  Value stepWeights(Scope scope) {
    Value all = scope.listOfNamed(layers.stream().map(LayerWeights::values).toList());
    return generationKernels(scope)
        .stepWeights(
            embedding,
            norm,
            head,
            all,
            kinds.frequencies(scope),
            kinds.magnitudes(scope),
            kinds.windows(),
            kinds.ofLayers());
  }

  /** Begins a draw of dropout. */
  void begin(long draw) {
    this.draw = draw;
  }

  /**
   * What dropout mixes into the elements of places, [places]; empty without dropout.
   *
   * @param mode of the pass: without a graph nothing is left out
   */
  long[] dropoutKeys(PackedRows packed, GraphMode mode) {
    return dropout.drops() && mode == GraphMode.GRAPH ? dropout.keys(packed, draw) : new long[0];
  }

  /** Rows of logits that are made at once. */
  int chunk() {
    return (int) Math.max(16, CHUNK_BYTES / Float.BYTES / config.vocabSize());
  }

  float[][] logits(Scope scope, int[] sequence) {
    int n = sequence.length;
    long[] ids = new long[n];
    float[] positions = new float[n];
    for (int i = 0; i < n; i++) {
      ids[i] = sequence[i];
      positions[i] = i;
    }
    LayerKernels kernels = layerKernels(scope, GraphMode.INFERENCE);
    Value parts = scope.longs(new long[n], n);
    Value all = scope.floats(positions, n);
    long[] block = {0, 1, n};
    List<Value> places = kinds.places(kernels, all, parts, block, new long[] {1});
    Value keys = scope.longs(new long[0], 0);
    Value x = kernels.embed(scope.longs(ids, n), all, embedding);
    for (int i = 0; i < layers.size(); i++) {
      x = kernels.layerForward(x, places.get(kinds.ofLayer(i)), keys, layers.get(i).values());
    }
    float[] flat = headKernels(scope, GraphMode.INFERENCE).allLogits(x, norm, head).floats();
    float[][] out = new float[n][config.vocabSize()];
    for (int i = 0; i < n; i++) {
      System.arraycopy(flat, i * config.vocabSize(), out[i], 0, config.vocabSize());
    }
    return out;
  }

  @Override
  public void close() {
    scope.close();
  }
}
