package io.plumbline.model;

import io.plumbline.model.CausalLm.Purpose;
import io.plumbline.model.Decoder.LayerWeights;
import io.plumbline.model.architecture.DecoderConfig;
import io.plumbline.model.architecture.DecoderConfig.Head;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Segment.Slice;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The views of a decoder's segments that kernels take, with those of an adapter in their place or
 * beside them.
 */
final class DecoderWeights {
  /**
   * A parameter, and where its gradient goes if it is trained.
   *
   * @param scales of a matrix that is held in int8
   */
  record Parameter(Value value, Optional<Value> scales, Optional<Value> gradient) {}

  private final DecoderConfig config;
  private final Head kind;
  private final boolean training;
  private final List<Segment> segments;
  private final Optional<AdapterWeights> adapter;
  private final Scope scope;

  /**
   * @param scope owns what is no part of a segment
   */
  DecoderWeights(
      DecoderConfig config,
      Head kind,
      Purpose purpose,
      List<Segment> segments,
      Optional<AdapterWeights> adapter,
      Scope scope) {
    this.config = config;
    this.kind = kind;
    this.training = purpose == Purpose.TRAINING;
    this.segments = segments;
    this.adapter = adapter;
    this.scope = scope;
  }

  private Segment first() {
    return segments.get(0);
  }

  private Segment last() {
    return segments.get(segments.size() - 1);
  }

  Optional<Segment> trainedEmbedding() {
    return trained(first(), -1);
  }

  Optional<Segment> trainedHead() {
    return trained(last(), config.layers());
  }

  private Optional<Segment> trained(Segment own, int layer) {
    return adapter.isPresent() ? adapter.get().ofLayer(layer) : Optional.of(own);
  }

  Parameter embedding() {
    long rows = (long) config.vocabSize() + config.learnedPositions();
    return parameter(config.names().embedding(), first(), 0, rows, config.hiddenSize());
  }

  Parameter norm() {
    return parameter(config.names().norm(), last(), 0, config.normParameters());
  }

  Parameter head() {
    if (kind == Head.SCORE) {
      return parameter(
          DecoderConfig.SCORE_WEIGHT, last(), config.normParameters(), 1, config.hiddenSize());
    }
    boolean tied = config.tiedEmbeddings();
    return parameter(
        config.names().head(),
        tied ? first() : last(),
        tied ? 0 : config.normParameters(),
        config.vocabSize(),
        config.hiddenSize());
  }

  private Parameter parameter(String name, Segment segment, long offset, long... shape) {
    Optional<AdapterWeights.View> whole = adapter.flatMap(weights -> weights.whole(name));
    if (whole.isPresent()) {
      // A norm's bias stands behind its weight there too.
      Segment own = whole.get().segment();
      return view(own, whole.get().slice().offset(), training, shape);
    }
    return view(segment, offset, training && adapter.isEmpty(), shape);
  }

  private static Parameter view(Segment segment, long offset, boolean trained, long... shape) {
    return new Parameter(
        segment.view(offset, shape),
        segment.scales(offset, shape),
        trained ? Optional.of(segment.gradientView(offset, shape)) : Optional.empty());
  }

  List<LayerWeights> layers() {
    List<LayerWeights> found = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      found.add(layer(i, segments.get(i + 1)));
    }
    return List.copyOf(found);
  }

  /**
   * A layer's weights by their names in it. Slices that lie side by side and multiply the same
   * input become one tensor.
   */
  private LayerWeights layer(int layer, Segment segment) {
    Map<String, List<Slice>> fused = new LinkedHashMap<>();
    for (Slice slice : segment.slices()) {
      fused.computeIfAbsent(nameInLayer(slice.name()), n -> new ArrayList<>()).add(slice);
    }
    Map<String, Value> values = new LinkedHashMap<>();
    Map<String, Value> gradients = new LinkedHashMap<>();
    fused.forEach(
        (name, slices) -> {
          long[] shape = slices.get(0).shape().clone();
          shape[0] = slices.stream().mapToLong(s -> s.shape()[0]).sum();
          Parameter parameter =
              parameter(slices.get(0).name(), segment, slices.get(0).offset(), shape);
          values.put(name, parameter.value());
          parameter.scales().ifPresent(scales -> values.put(name + "_scales", scales));
          parameter.gradient().ifPresent(gradient -> gradients.put(name, gradient));
        });
    adapter.ifPresent(weights -> weights.addTo(layer, values, gradients, training));
    return new LayerWeights(
        trained(segment, layer),
        values,
        scope.named(values),
        gradients.isEmpty() ? null : scope.named(gradients));
  }

  private String nameInLayer(String name) {
    return name.substring(config.names().layers().length())
        .replaceFirst("^\\d+\\.", "")
        .replaceFirst("\\.experts\\.\\d+\\.", ".experts.")
        .replaceFirst("\\.[qkv]_proj\\.", ".qkv_proj.")
        .replaceFirst("\\.(gate|up)_proj\\.", ".gate_up_proj.");
  }
}
