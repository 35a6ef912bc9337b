package io.plumbline.model;

import io.plumbline.model.CausalLm.ComputeDtype;
import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.DecoderConfig.Head;
import io.plumbline.tensor.Device;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Kernels;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A model's weights as the kernels take them, and the kernels compiled for its shape. */
final class Decoder implements AutoCloseable {
  /** Weights of a layer and where their gradients go, in the kernels' order. */
  record LayerWeights(Segment segment, List<Value> parts, Value values, Value gradients) {}

  /** Logits of one chunk take at most this much. */
  private static final long CHUNK_BYTES = 32L << 20;

  final DecoderConfig config;
  final ComputeDtype dtype;
  final Kernels kernels;
  final Segment embeddingSegment;
  final Segment headSegment;
  final Value embedding;
  final Value embeddingGradient;
  final List<LayerWeights> layers;
  final Value norm;
  final Value normGradient;
  final Value head;
  final Value headGradient;
  final Value frequencies;
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
    kernels = Kernels.load(Decoder.class, "decoder.ts", constants(config, dtype));
    embeddingSegment = segments.get(0);
    device = embeddingSegment.device();
    scope = Scope.on(device);
    headSegment = segments.get(segments.size() - 1);
    long vocab = config.vocabSize();
    long hidden = config.hiddenSize();
    embedding = embeddingSegment.view(0, vocab, hidden);
    embeddingGradient = training ? embeddingSegment.gradientView(0, vocab, hidden) : null;
    List<LayerWeights> found = new ArrayList<>();
    for (Segment segment : segments.subList(1, segments.size() - 1)) {
      found.add(layer(segment, training));
    }
    layers = List.copyOf(found);
    norm = headSegment.view(0, hidden);
    normGradient = training ? headSegment.gradientView(0, hidden) : null;
    if (kind == Head.TOKENS && config.tiedEmbeddings()) {
      head = embedding;
      headGradient = embeddingGradient;
    } else {
      long rows = kind == Head.SCORE ? 1 : vocab;
      head = headSegment.view(hidden, rows, hidden);
      headGradient = training ? headSegment.gradientView(hidden, rows, hidden) : null;
    }
    float[] rates = config.inverseFrequencies();
    frequencies = scope.floats(rates, rates.length);
  }

  /** Slices that lie side by side and multiply the same input become one tensor. */
  private static LayerWeights layer(Segment segment, boolean training) {
    Map<String, List<Slice>> fused = new LinkedHashMap<>();
    for (Slice slice : segment.slices()) {
      fused.computeIfAbsent(fusedName(slice.name()), n -> new ArrayList<>()).add(slice);
    }
    List<Value> values = new ArrayList<>();
    List<Value> gradients = new ArrayList<>();
    for (List<Slice> slices : fused.values()) {
      long[] shape = slices.get(0).shape().clone();
      shape[0] = slices.stream().mapToLong(s -> s.shape()[0]).sum();
      values.add(segment.view(slices.get(0).offset(), shape));
      if (training) {
        gradients.add(segment.gradientView(slices.get(0).offset(), shape));
      }
    }
    return new LayerWeights(
        segment,
        List.copyOf(values),
        segment.list(values.toArray(new Value[0])),
        training ? segment.list(gradients.toArray(new Value[0])) : null);
  }

  private static String fusedName(String name) {
    return name.replaceAll("\\.[qkv]_proj\\.", ".qkv.")
        .replaceAll("\\.(gate|up)_proj\\.", ".gate_up.");
  }

  /** What fills the kernels' source. */
  static Map<String, String> constants(DecoderConfig config, ComputeDtype dtype) {
    boolean bf16 = dtype == ComputeDtype.BF16;
    // Places in a layer's list of weights, in the order of its segment.
    int next = 1;
    int qkvBias = config.queryKeyValueBias() ? ++next : -1;
    int outputWeight = ++next;
    int outputBias = config.attentionOutputBias() ? ++next : -1;
    int postNorm = ++next;
    int gateUpWeight = ++next;
    int gateUpBias = config.mlpBias() ? ++next : -1;
    int downWeight = ++next;
    int downBias = config.mlpBias() ? ++next : -1;
    Map<String, String> c = new LinkedHashMap<>();
    c.put("low", bf16 ? "torch.to(x, 15)" : "x");
    c.put("hidden", "" + config.hiddenSize());
    c.put("eps", Double.toString(config.rmsNormEps()));
    c.put("heads", "" + config.heads());
    c.put("kv_heads", "" + config.kvHeads());
    c.put("qk_heads", "" + (config.heads() + config.kvHeads()));
    c.put("all_heads", "" + (config.heads() + 2 * config.kvHeads()));
    c.put("head_dim", "" + config.headDim());
    c.put("query_width", "" + config.heads() * config.headDim());
    c.put("key_value_heads", "" + 2 * config.kvHeads());
    c.put("key_value_width", "" + 2 * config.kvHeads() * config.headDim());
    c.put("grouped", config.heads() == config.kvHeads() ? "False" : "True");
    c.put("qkv_bias", weight(qkvBias));
    c.put("o_weight", "" + outputWeight);
    c.put("o_bias", weight(outputBias));
    c.put("post_norm", "" + postNorm);
    c.put("gate_up_weight", "" + gateUpWeight);
    c.put("gate_up_bias", weight(gateUpBias));
    c.put("down_weight", "" + downWeight);
    c.put("down_bias", weight(downBias));
    c.put("pad", "" + config.padTokenId());
    c.put("layers", "" + config.layers());
    c.put("caches", "" + 2 * config.layers());
    c.put("group", "" + config.heads() / config.kvHeads());
    c.put("layer_tensors", "" + (Math.max(downWeight, downBias) + 1));
    c.put("step_qkv_bias", stepWeight(qkvBias));
    c.put("step_o_bias", stepWeight(outputBias));
    c.put("step_gate_up_bias", stepWeight(gateUpBias));
    c.put("step_down_bias", stepWeight(downBias));
    c.put(
        "head_weight_gradient",
        bf16
            ? "_9 = torch.add_(g_weight, torch.matmul(torch.t(gl), hr))"
            : "_9 = torch.addmm_(g_weight, torch.t(gl), hr)");
    return Map.copyOf(c);
  }

  private static String weight(int place) {
    return place < 0 ? "None" : "(self).low(w[" + place + "])";
  }

  private static String stepWeight(int place) {
    return place < 0 ? "None" : "(self).low(w[torch.add(o, " + place + ")])";
  }

  /** Embedding, final norm, head and each layer's weights in one list, matrices cast once. */
  Value stepWeights(Scope scope) {
    List<Value> all = new ArrayList<>(List.of(embedding, norm, head));
    layers.forEach(layer -> all.addAll(layer.parts()));
    return call(scope, "lowered", scope.list(all.toArray(new Value[0])));
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
    long[] blocks = {0, 1, n};
    Value[] rope = call(scope, "rope", scope.floats(positions, n), frequencies).parts(scope);
    Value masks =
        call(
            scope, "masks_of", scope.longs(new long[n], n), blocks, new long[] {1}, new long[] {0});
    Value x = call(scope, "embed", scope.longs(ids, n), embedding);
    for (LayerWeights layer : layers) {
      x = call(scope, "layer", x, rope[0], rope[1], masks, blocks, layer.values());
    }
    float[] flat = call(scope, "all_logits", x, norm, head).floats();
    float[][] out = new float[n][config.vocabSize()];
    for (int i = 0; i < n; i++) {
      System.arraycopy(flat, i * config.vocabSize(), out[i], 0, config.vocabSize());
    }
    return out;
  }

  Value call(Scope scope, String method, Object... arguments) {
    return kernels.call(scope, GraphMode.INFERENCE, method, arguments);
  }

  @Override
  public void close() {
    scope.close();
  }
}
