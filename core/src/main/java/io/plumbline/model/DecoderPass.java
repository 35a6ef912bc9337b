package io.plumbline.model;

import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Value;
import java.util.List;
import java.util.function.Consumer;

/**
 * One micro-batch on its way through embedding and layers, forward and, with a graph, back. What
 * reads the last layer's output and hands back its gradient is a head.
 *
 * <p>The graph is cut between segments: each segment's input is a leaf of its own part, and
 * backward hands the gradient from part to part.
 */
final class DecoderPass implements AutoCloseable {
  final Decoder decoder;
  final PackedRows packed;
  final Scope scope;
  private final GraphMode mode;
  private final ActivationMemory memory;

  private Value ids;
  private Value positions;

  /** Of each kind of layers. */
  private List<Value> places;

  /** Of dropout; empty without. */
  private Value keys;

  private Value[] inputs;
  private Value[] outputs;
  private Value last;
  private Value read;
  private Value states;

  /** The same places with those of them that the last layer is asked for. */
  private Value keptPlaces;

  DecoderPass(Decoder decoder, PackedRows packed, GraphMode mode, ActivationMemory memory) {
    this.decoder = decoder;
    this.scope = Scope.on(decoder.device);
    this.packed = packed;
    this.mode = mode;
    this.memory = decoder.kept(memory);
    if (!readsNothing()) {
      try {
        run();
      } catch (RuntimeException | Error e) {
        scope.close();
        throw e;
      }
    }
  }

  /** Whether the head reads no place, so that no layer ran. */
  boolean readsNothing() {
    return packed.read().places().length == 0 && packed.states().places().length == 0;
  }

  /** Whether everything stays in memory until backward. */
  boolean keepsAll() {
    return mode == GraphMode.GRAPH && memory == ActivationMemory.KEEP;
  }

  /** Output of the last layer at the kept places, a leaf of the head's part of the graph. */
  Value last() {
    if (last == null) {
      throw new IllegalStateException("backward ran on this pass already");
    }
    return last;
  }

  /** Indices in {@link #last} of the places that the head reads. */
  Value read() {
    return read;
  }

  /** Indices in {@link #last} of the places that a second head reads. */
  Value states() {
    return states;
  }

  /** Kernels of the layers for what needs no graph, though a graph may use the result. */
  LayerKernels layerKernels() {
    return decoder.layerKernels(scope, modeWithoutGraph());
  }

  /** Kernels of the heads for what needs no graph, though a graph may use the result. */
  HeadKernels headKernels() {
    return decoder.headKernels(scope, modeWithoutGraph());
  }

  private GraphMode modeWithoutGraph() {
    return mode == GraphMode.GRAPH ? GraphMode.NO_GRAPH : GraphMode.INFERENCE;
  }

  /** What a head with one output says at some of the places in {@link #last}. */
  float[] scores(Value at, Value weight) {
    return readsNothing()
        ? new float[0]
        : headKernels().scores(last(), at, decoder.norm, weight).floats();
  }

  /**
   * Adds to the gradients of such a head and of the norm before it.
   *
   * @param byScore derivatives by {@link #scores}
   * @return the derivative by {@link #last}
   */
  Value scoresBackward(float[] byScore, Value at, Value weight, Value weightGradient) {
    return decoder
        .headKernels(scope, GraphMode.GRAPH)
        .scoresBackward(
            scope.floats(byScore, byScore.length),
            last(),
            at,
            decoder.norm,
            weight,
            decoder.normGradient,
            weightGradient);
  }

  private Value layer(int i, Value x, GraphMode graph) {
    boolean last = i == decoder.layers.size() - 1;
    Value wanted = last ? keptPlaces : places.get(decoder.kinds.ofLayer(i));
    return decoder
        .layerKernels(scope, graph)
        .layerForward(x, wanted, keys, decoder.layers.get(i).values());
  }

  private void run() {
    int n = packed.ids().length;
    boolean training = mode == GraphMode.GRAPH;
    ids = scope.longs(packed.ids(), n);
    long[] drawn = decoder.dropoutKeys(packed, mode);
    keys = scope.longs(drawn, drawn.length);
    LayerKernels kernels = layerKernels();
    Value parts = scope.longs(packed.parts(), n);
    positions = scope.floats(packed.positions(), n);
    places = decoder.kinds.places(kernels, positions, parts, packed.blocks(), packed.plain());
    int depth = decoder.layers.size();
    int lastKind = decoder.kinds.ofLayer(depth - 1);
    keptPlaces =
        packed.trimmed()
            ? kernels.keptPlaces(
                places.get(lastKind),
                positions,
                decoder.kinds.distinct().get(lastKind).window(),
                parts,
                packed.plain(),
                packed.starts(),
                scope.longs(packed.kept(), packed.kept().length))
            : places.get(lastKind);
    inputs = new Value[depth];
    outputs = new Value[depth];
    Value x = kernels.embed(ids, positions, decoder.embedding);
    boolean keep = keepsAll();
    for (int i = 0; i < depth; i++) {
      boolean learns = i >= decoder.firstTrained;
      if (training && learns) {
        Value leaf = kernels.cut(x);
        if (i == decoder.firstTrained || !keep) {
          scope.free(x);
        }
        x = leaf;
        inputs[i] = x;
      }
      boolean graph = keep && learns;
      Value y = layer(i, x, graph ? GraphMode.GRAPH : training ? GraphMode.NO_GRAPH : mode);
      if (graph) {
        outputs[i] = y;
      } else if (!training || !learns) {
        scope.free(x);
      }
      x = y;
    }
    last = keep ? kernels.cut(x) : x;
    read = scope.longs(packed.read().places(), packed.read().places().length);
    states = scope.longs(packed.states().places(), packed.states().places().length);
  }

  /**
   * Walks back from the last layer to the embedding.
   *
   * @param byLast the head's derivative by {@link #last}, whose own segment is final already
   */
  void backward(Value byLast, Consumer<Segment> onFinal) {
    scope.free(last());
    last = null;
    decoder.headSegment.ifPresent(onFinal);
    Value gx = byLast;
    for (int i = decoder.layers.size() - 1; i >= decoder.firstTrained; i--) {
      Decoder.LayerWeights layer = decoder.layers.get(i);
      Value y = outputs[i] != null ? outputs[i] : layer(i, inputs[i], GraphMode.GRAPH);
      Value gy = gx;
      LayerKernels kernels = decoder.layerKernels(scope, GraphMode.GRAPH);
      gx =
          layer.gradients() == null
              ? kernels.inputBackward(y, gy, inputs[i])
              : kernels.layerBackward(y, gy, inputs[i], layer.values(), layer.gradients());
      scope.free(y, gy, inputs[i]);
      layer.segment().ifPresent(onFinal);
    }
    if (decoder.embeddingGradient != null) {
      layerKernels().embedBackward(ids, positions, gx, decoder.embeddingGradient);
    }
    decoder.embeddingSegment.ifPresent(onFinal);
  }

  /** What backward comes to where no layer ran: nothing is added to any gradient. */
  void backwardOfNothing(Consumer<Segment> onFinal) {
    decoder.headSegment.ifPresent(onFinal);
    for (int i = decoder.layers.size() - 1; i >= 0; i--) {
      decoder.layers.get(i).segment().ifPresent(onFinal);
    }
    decoder.embeddingSegment.ifPresent(onFinal);
  }

  @Override
  public void close() {
    scope.close();
  }
}
