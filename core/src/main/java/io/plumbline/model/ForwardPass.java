package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Value;
import java.util.List;
import java.util.function.Consumer;

/**
 * One micro-batch on its way through the decoder, forward and, with a graph, back.
 *
 * <p>The graph is cut between segments: each segment's input is a leaf of its own part, and
 * backward hands the gradient from part to part.
 */
final class ForwardPass implements AutoCloseable {
  /** Logits up to this size are kept for backward; larger ones are computed again. */
  private static final long KEPT_LOGITS_BYTES = 256L << 20;

  private final Decoder decoder;
  private final List<TokenizedRow> rows;
  private final PackedRows packed;
  private final GraphMode mode;
  private final ActivationMemory memory;
  private final Scope scope = Scope.open();
  private final TokenLogps tokens;

  private Value ids;
  private Value[] rope;
  private Value masks;
  private Value[] inputs;
  private Value[] outputs;
  private Value last;
  private Value predictors;
  private Value targets;
  private Value denominator;
  private Value logits;
  private Value kept;
  private Value lastMasks;

  ForwardPass(
      Decoder decoder,
      List<TokenizedRow> rows,
      GraphMode mode,
      ActivationMemory memory,
      TokenStatistics statistics) {
    this.decoder = decoder;
    this.rows = List.copyOf(rows);
    this.mode = mode;
    this.memory = memory;
    this.packed = PackedRows.of(rows, decoder.config.vocabSize());
    try {
      this.tokens = run(statistics);
    } catch (RuntimeException | Error e) {
      scope.close();
      throw e;
    }
  }

  /** Runs what needs no graph, though a graph may use the result. */
  private Value call(String method, Object... arguments) {
    return decoder.kernels.call(
        scope,
        mode == GraphMode.GRAPH ? GraphMode.NO_GRAPH : GraphMode.INFERENCE,
        method,
        arguments);
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

  private TokenLogps run(TokenStatistics statistics) {
    boolean asked = statistics != TokenStatistics.NONE;
    if (packed.owners().isEmpty()) {
      return tokens(new float[0], asked, new float[0], new float[0]);
    }
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
    boolean keep = training && memory == ActivationMemory.KEEP;
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
    int m = packed.targets().length;
    predictors = scope.longs(packed.predictors(), m);
    targets = scope.longs(packed.targets(), m);
    long logitsBytes = (long) m * decoder.config.vocabSize() * Float.BYTES;
    boolean keepLogits = keep && logitsBytes <= KEPT_LOGITS_BYTES;
    Value[] results =
        call(
                "head",
                last,
                predictors,
                targets,
                decoder.norm,
                decoder.head,
                decoder.chunk(),
                keepLogits,
                asked)
            .parts(scope);
    denominator = results[1];
    logits = results[4];
    return tokens(results[0].floats(), asked, results[2].floats(), results[3].floats());
  }

  private TokenLogps tokens(float[] logps, boolean asked, float[] entropies, float[] hits) {
    return new TokenLogps(
        PackedRows.spread(rows, packed.owners(), logps),
        asked ? PackedRows.spread(rows, packed.owners(), entropies) : List.of(),
        asked ? PackedRows.spread(rows, packed.owners(), hits) : List.of());
  }

  TokenLogps tokens() {
    return tokens;
  }

  void backward(List<List<float[]>> gradients, Consumer<Segment> onFinal) {
    if (inputs == null) {
      // Nothing counts in this micro-batch, so nothing is added to any gradient.
      onFinal.accept(decoder.headSegment);
      for (int i = decoder.layers.size() - 1; i >= 0; i--) {
        onFinal.accept(decoder.layers.get(i).segment());
      }
      onFinal.accept(decoder.embeddingSegment);
      return;
    }
    if (last == null) {
      throw new IllegalStateException("backward ran on this pass already");
    }
    Value g = scope.floats(packed.collect(gradients), packed.owners().size());
    Value gx =
        decoder.kernels.call(
            scope,
            GraphMode.GRAPH,
            "head_backward",
            g,
            last,
            predictors,
            targets,
            denominator,
            logits,
            decoder.norm,
            decoder.head,
            decoder.chunk(),
            decoder.normGradient,
            decoder.headGradient);
    scope.free(last, logits);
    last = null;
    onFinal.accept(decoder.headSegment);
    for (int i = decoder.layers.size() - 1; i >= 0; i--) {
      Decoder.LayerWeights layer = decoder.layers.get(i);
      Value y = outputs[i] != null ? outputs[i] : layer(i, inputs[i], GraphMode.GRAPH);
      Value gy = gx;
      gx =
          decoder.kernels.call(
              scope,
              GraphMode.GRAPH,
              "layer_backward",
              y,
              gy,
              inputs[i],
              layer.values(),
              layer.gradients());
      scope.free(y, gy, inputs[i]);
      onFinal.accept(layer.segment());
    }
    call("embed_backward", ids, gx, decoder.embeddingGradient);
    onFinal.accept(decoder.embeddingSegment);
  }

  @Override
  public void close() {
    scope.close();
  }
}
