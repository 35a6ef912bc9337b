package io.plumbline.model;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.KernelFilling;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A model's weights as the kernels take them, and the kernels compiled for its shape. */
final class Decoder implements AutoCloseable {
  /** A layer's weights by name, and for the kernels all of them and where their gradients go. */
  record LayerWeights(Segment segment, Map<String, Value> weights, Value values, Value gradients) {}

  /** Logits of one chunk take at most this much. */
  static final long CHUNK_BYTES = 32L << 20;

  final DecoderConfig config;
  final ComputeDtype dtype;
  private final Kernels<LayerKernels> layerKernels;
  private final Kernels<HeadKernels> headKernels;
  private final Kernels<GenerationKernels> generationKernels;
  final Segment embeddingSegment;
  final Segment headSegment;
  final Value embedding;
  final Value embeddingGradient;
  final List<LayerWeights> layers;
  final Value norm;
  final Value normGradient;
  final Value head;
  final Value headGradient;
  final LayerKinds kinds;
  final Device device;
  private final Scope scope;

  Decoder(
      DecoderConfig config,
      Head kind,
      ComputeDtype dtype,
      Purpose purpose,
      List<Segment> segments) {
    this.config = config;
    this.dtype = dtype;
    boolean training = purpose == Purpose.TRAINING;
    KernelFilling filling = filling(config, dtype);
    layerKernels = Kernels.load(LayerKernels.class, "layers.py", filling);
    headKernels = Kernels.load(HeadKernels.class, "head.py", filling);
    generationKernels = Kernels.load(GenerationKernels.class, "generation.py", filling);
    embeddingSegment = segments.get(0);
    device = embeddingSegment.device();
    scope = Scope.on(device);
    headSegment = segments.get(segments.size() - 1);
    long vocab = config.vocabSize();
    long hidden = config.hiddenSize();
    long rows = vocab + config.learnedPositions();
    embedding = embeddingSegment.view(0, rows, hidden);
    embeddingGradient = training ? embeddingSegment.gradientView(0, rows, hidden) : null;
    List<LayerWeights> found = new ArrayList<>();
    for (Segment segment : segments.subList(1, segments.size() - 1)) {
      found.add(layer(segment, config.names().layers(), training));
    }
    layers = List.copyOf(found);
    long normParameters = config.normParameters();
    norm = headSegment.view(0, normParameters);
    normGradient = training ? headSegment.gradientView(0, normParameters) : null;
    boolean tied = kind == Head.TOKENS && config.tiedEmbeddings();
    Segment ofHead = tied ? embeddingSegment : headSegment;
    long offset = tied ? 0 : normParameters;
    long headRows = kind == Head.SCORE ? 1 : vocab;
    head = ofHead.view(offset, headRows, hidden);
    headGradient = training ? ofHead.gradientView(offset, headRows, hidden) : null;
    kinds = new LayerKinds(config.kinds(), scope);
  }

  /**
   * A layer's weights by their names in it. Slices that lie side by side and multiply the same
   * input become one tensor.
   */
  private static LayerWeights layer(Segment segment, String layers, boolean training) {
    Map<String, List<Slice>> fused = new LinkedHashMap<>();
    for (Slice slice : segment.slices()) {
      fused.computeIfAbsent(nameInLayer(slice.name(), layers), n -> new ArrayList<>()).add(slice);
    }
    Map<String, Value> values = new LinkedHashMap<>();
    Map<String, Value> gradients = new LinkedHashMap<>();
    fused.forEach(
        (name, slices) -> {
          long offset = slices.get(0).offset();
          long[] shape = slices.get(0).shape().clone();
          shape[0] = slices.stream().mapToLong(s -> s.shape()[0]).sum();
          values.put(name, segment.view(offset, shape));
          if (training) {
            gradients.put(name, segment.gradientView(offset, shape));
          }
        });
    return new LayerWeights(
        segment, values, segment.named(values), training ? segment.named(gradients) : null);
  }

  private static String nameInLayer(String name, String layers) {
    return name.substring(layers.length())
        .replaceFirst("^\\d+\\.", "")
        .replaceFirst("\\.[qkv]_proj\\.", ".qkv_proj.")
        .replaceFirst("\\.(gate|up)_proj\\.", ".gate_up_proj.");
  }

  /** What the kernels are compiled with. */
  static KernelFilling filling(DecoderConfig config, ComputeDtype dtype) {
    Map<String, String> constants = new HashMap<>();
    constants.put("LAYERS", "" + config.layers());
    constants.put("VOCABULARY", "" + config.vocabSize());
    constants.put("LEARNED_POSITIONS", "" + config.learnedPositions());
    constants.put("HEADS", "" + config.heads());
    constants.put("KV_HEADS", "" + config.kvHeads());
    constants.put("HEAD_DIM", "" + config.headDim());
    constants.put("ROTARY_DIM", "" + config.kinds().get(0).rope().dims());
    constants.put("PAD_TOKEN", "" + config.padTokenId());
    constants.put("COMPUTE_DTYPE", dtype == ComputeDtype.BF16 ? "torch.bfloat16" : "torch.float32");
    // What changes nothing, where a family does not say otherwise.
    constants.put("ATTENTION_SCALE", "" + 1 / Math.sqrt(config.headDim()));
    constants.put("ATTENTION_SOFT_CAP", "0.0");
    constants.put("EMBEDDING_SCALE", "1.0");
    constants.put("RESIDUAL_SCALE", "1.0");
    constants.put("LOGITS_SCALE", "1.0");
    constants.put("LOGITS_SOFT_CAP", "0.0");
    constants.put("HEAD_NORMS", "False");
    constants.put("GELU_GATE", "False");
    constants.put("PARALLEL_RESIDUAL", "False");
    config.kernels().constants().forEach((name, value) -> constants.put(name, python(value)));
    return new KernelFilling(constants, Map.of("family", config.kernels().file()));
  }

  private static String python(Object value) {
    return value instanceof Boolean on ? on ? "True" : "False" : value.toString();
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
    Value x = kernels.embed(scope.longs(ids, n), all, embedding);
    for (int i = 0; i < layers.size(); i++) {
      x = kernels.layerForward(x, places.get(kinds.ofLayer(i)), layers.get(i).values());
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
