package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.model.HeadKernels.TokenResults;
import io.plumbline.model.PackedRows.Reading;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Value;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/** A micro-batch under the head that predicts tokens, and perhaps one that values states. */
final class TokenPass implements TrainingPass<TokenLogps, TokenGradients> {
  /** Logits up to this size are kept for backward; larger ones are computed again. */
  static final long KEPT_LOGITS_BYTES = 256L << 20;

  private final List<TokenizedRow> rows;
  private final Set<TokenStatistic> statistics;
  private final double temperature;
  private final DecoderPass layers;
  private final Optional<ValueHead> valueHead;
  private final TokenLogps tokens;
  private final List<List<float[]>> states;
  private Value targets;
  private TokenResults results;

  TokenPass(
      Decoder decoder,
      List<TokenizedRow> rows,
      GraphMode mode,
      ActivationMemory memory,
      Set<TokenStatistic> statistics,
      double temperature) {
    this(decoder, rows, mode, memory, statistics, temperature, Optional.empty());
  }

  TokenPass(
      Decoder decoder,
      List<TokenizedRow> rows,
      GraphMode mode,
      ActivationMemory memory,
      Set<TokenStatistic> statistics,
      double temperature,
      Optional<ValueHead> valueHead) {
    check(temperature);
    this.valueHead = valueHead;
    this.rows = List.copyOf(rows);
    this.statistics = Set.copyOf(statistics);
    this.temperature = temperature;
    Reading reading =
        valueHead.isPresent()
            ? Reading.COMPLETIONS_AND_STATES
            : asked(TokenStatistic.PROMPT_LOGPS)
                ? Reading.PROMPTS_AND_COMPLETIONS
                : Reading.COMPLETIONS;
    this.layers =
        new DecoderPass(decoder, PackedRows.of(rows, decoder.config, reading), mode, memory);
    try {
      this.tokens = readsNoToken() ? nothing() : run();
      this.states =
          valueHead
              .map(head -> layers.scores(layers.states(), head.weight()))
              .map(found -> PackedRows.spreadStates(rows, layers.packed.states().owners(), found))
              .orElse(List.of());
    } catch (RuntimeException | Error e) {
      layers.close();
      throw e;
    }
  }

  static void check(double temperature) {
    if (!(temperature > 0 && temperature < Double.POSITIVE_INFINITY)) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "the temperature of log-probabilities must be a positive number, not " + temperature);
    }
  }

  private boolean asked(TokenStatistic statistic) {
    return statistics.contains(statistic);
  }

  private boolean readsNoToken() {
    return layers.packed.read().places().length == 0;
  }

  private TokenLogps run() {
    Decoder decoder = layers.decoder;
    long[] ids = layers.packed.read().targets();
    targets = layers.scope.longs(ids, ids.length);
    long logitsBytes = (long) ids.length * decoder.config.vocabSize() * Float.BYTES;
    results =
        layers
            .headKernels()
            .tokenHead(
                layers.last(),
                layers.read(),
                targets,
                decoder.norm,
                decoder.head,
                temperature,
                decoder.chunk(),
                layers.keepsAll() && logitsBytes <= KEPT_LOGITS_BYTES,
                asked(TokenStatistic.ENTROPY),
                asked(TokenStatistic.ACCURACY),
                asked(TokenStatistic.MEAN_LOGIT),
                asked(TokenStatistic.LOG_SUM_OF_SQUARES));
    return tokens(
        results.logps().floats(),
        results.entropies().floats(),
        results.hits().floats(),
        results.meanLogits().floats(),
        results.logSquares().floats());
  }

  /** Where no token counts, everything is 0. */
  private TokenLogps nothing() {
    float[] none = {};
    return tokens(none, none, none, none, none);
  }

  private TokenLogps tokens(
      float[] logps, float[] entropies, float[] hits, float[] meanLogits, float[] squares) {
    return new TokenLogps(
        spread(logps),
        statistic(TokenStatistic.ENTROPY, entropies),
        statistic(TokenStatistic.ACCURACY, hits),
        statistic(TokenStatistic.MEAN_LOGIT, meanLogits),
        statistic(TokenStatistic.LOG_SUM_OF_SQUARES, squares),
        asked(TokenStatistic.PROMPT_LOGPS)
            ? PackedRows.spreadPrompts(rows, layers.packed.read().owners(), logps)
            : List.of());
  }

  private List<List<float[]>> statistic(TokenStatistic statistic, float[] values) {
    return asked(statistic) ? spread(values) : List.of();
  }

  private List<List<float[]>> spread(float[] values) {
    return PackedRows.spread(rows, layers.packed.read().owners(), values);
  }

  @Override
  public TokenLogps values() {
    return tokens;
  }

  /** What the second head says of each state, as {@link ScoreModel#values} has it. */
  List<List<float[]>> states() {
    return states;
  }

  @Override
  public void backward(TokenGradients gradients, Consumer<Segment> onFinal) {
    backward(gradients, List.of(), onFinal);
  }

  /**
   * Runs the backward pass of the language head and of a second one.
   *
   * @param byState derivatives by {@link #states}; empty without a second head
   */
  void backward(TokenGradients gradients, List<List<float[]>> byState, Consumer<Segment> onFinal) {
    if (layers.readsNothing()) {
      valueHead.ifPresent(head -> onFinal.accept(head.segment()));
      layers.backwardOfNothing(onFinal);
      return;
    }
    Optional<Value> byLast = valueHead.map(head -> backward(head, byState));
    valueHead.ifPresent(head -> onFinal.accept(head.segment()));
    if (!readsNoToken()) {
      Value byToken = backward(gradients);
      byLast =
          Optional.of(byLast.map(one -> layers.layerKernels().plus(one, byToken)).orElse(byToken));
    }
    layers.backward(byLast.orElseThrow(), onFinal);
  }

  private Value backward(ValueHead head, List<List<float[]>> byState) {
    return layers.scoresBackward(
        layers.packed.collectStates(byState), layers.states(), head.weight(), head.gradient());
  }

  private Value backward(TokenGradients gradients) {
    float[] byLogp = layers.packed.collect(gradients);
    float[] byEntropy = layers.packed.collectEntropies(gradients);
    Decoder decoder = layers.decoder;
    Value byLast =
        decoder
            .headKernels(layers.scope, GraphMode.GRAPH)
            .tokenHeadBackward(
                layers.scope.floats(byLogp, byLogp.length),
                layers.scope.floats(byEntropy, byEntropy.length),
                layers.last(),
                layers.read(),
                targets,
                results.denominators(),
                results.logits(),
                decoder.norm,
                decoder.head,
                temperature,
                decoder.chunk(),
                decoder.normGradient,
                decoder.headGradient);
    layers.scope.free(results.logits());
    return byLast;
  }

  @Override
  public void close() {
    layers.close();
  }
}
