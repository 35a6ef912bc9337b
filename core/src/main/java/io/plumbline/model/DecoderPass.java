package io.plumbline.model;

import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Value;
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
  private Value[] rope;
  private Value masks;
  private Value[] inputs;
  private Value[] outputs;
  private Value last;
  private Value read;
  private Value states;
  private Value kept;
  private Value lastMasks;

  DecoderPass(Decoder decoder, PackedRows packed, GraphMode mode, ActivationMemory memory) {
    this.decoder = decoder;
    this.scope = Scope.on(decoder.device);
    this.packed = packed;
    this.mode = mode;
    this.memory = memory;
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

  /** Runs what needs no graph, though a graph may use the result. */
  Value call(String method, Object... arguments) {
    return decoder.kernels.call(
        scope,
        mode == GraphMode.GRAPH ? GraphMode.NO_GRAPH : GraphMode.INFERENCE,
        method,
        arguments);
  }

  /** Runs what makes a graph. */
  Value callWithGraph(String method, Object... arguments) {
    return decoder.kernels.call(scope, GraphMode.GRAPH, method, arguments);
  }

  /** What a head with one output says at some of the places in {@link #last}. */
  float[] scores(Value places, Value weight) {
    return readsNothing()
        ? new float[0]
        : call("scores", last(), places, decoder.norm, weight).floats();
  }

  /**
   * Adds to the gradients of such a head and of the norm before it.
   *
   * @param byScore derivatives by {@link #scores}
   * @return the derivative by {@link #last}
   */
  Value scoresBackward(float[] byScore, Value places, Value weight, Value weightGradient) {
    return callWithGraph(
        "scores_backward",
        scope.floats(byScore, byScore.length),
        last(),
        places,
        decoder.norm,
        weight,
        decoder.normGradient,
        weightGradient);
  }

  private Value layer(int i, Value x, GraphMode graph) {
    if (lastMasks != null && i == decoder.layers.size() - 1) {
      return decoder.kernels.call(
          scope,
          graph,
          "last_layer",
          x,
          rope[0],
          rope[1],
          lastMasks,
          packed.blocks(),
          packed.starts(),
          kept,
          decoder.layers.get(i).values());
    }
    return decoder.kernels.call(
        scope,
        graph,
        "layer",
        x,
        rope[0],
        rope[1],
        masks,
        packed.blocks(),
        decoder.layers.get(i).values());
  }

  private void run() {
    int n = packed.ids().length;
    boolean training = mode == GraphMode.GRAPH;
    ids = scope.longs(packed.ids(), n);
    rope = call("rope", scope.floats(packed.positions(), n), decoder.frequencies).parts(scope);
    Value parts = scope.longs(packed.parts(), n);
    long[] fromTheStart = new long[packed.plain().length];
    masks = call("masks_of", parts, packed.blocks(), packed.plain(), fromTheStart);
    if (packed.trimmed()) {
      kept = scope.longs(packed.kept(), packed.kept().length);
      lastMasks = call("masks_of", parts, packed.blocks(), packed.plain(), packed.starts());
    }
    int depth = decoder.layers.size();
    inputs = new Value[depth];
    outputs = new Value[depth];
    Value x = call("embed", ids, decoder.embedding);
    boolean keep = keepsAll();
    for (int i = 0; i < depth; i++) {
      if (training) {
        Value leaf = call("cut", x);
        if (i == 0 || !keep) {
          scope.free(x);
        }
        x = leaf;
        inputs[i] = x;
      }
      Value y = layer(i, x, keep ? GraphMode.GRAPH : training ? GraphMode.NO_GRAPH : mode);
      if (keep) {
        outputs[i] = y;
      } else if (!training) {
        scope.free(x);
      }
      x = y;
    }
    last = keep ? call("cut", x) : x;
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
    onFinal.accept(decoder.headSegment);
    Value gx = byLast;
    for (int i = decoder.layers.size() - 1; i >= 0; i--) {
      Decoder.LayerWeights layer = decoder.layers.get(i);
      Value y = outputs[i] != null ? outputs[i] : layer(i, inputs[i], GraphMode.GRAPH);
      Value gy = gx;
      gx = callWithGraph("layer_backward", y, gy, inputs[i], layer.values(), layer.gradients());
      scope.free(y, gy, inputs[i]);
      onFinal.accept(layer.segment());
    }
    call("embed_backward", ids, gx, decoder.embeddingGradient);
    onFinal.accept(decoder.embeddingSegment);
  }

  /** What backward comes to where no layer ran: nothing is added to any gradient. */
  void backwardOfNothing(Consumer<Segment> onFinal) {
    onFinal.accept(decoder.headSegment);
    for (int i = decoder.layers.size() - 1; i >= 0; i--) {
      onFinal.accept(decoder.layers.get(i).segment());
    }
    onFinal.accept(decoder.embeddingSegment);
  }

  @Override
  public void close() {
    scope.close();
  }
}
