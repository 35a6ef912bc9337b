package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Segment;
import java.util.List;
import java.util.function.Consumer;

/** A micro-batch under the head that gives each completion a score. */
final class ScorePass implements TrainingPass<List<float[]>, List<float[]>> {
  private final DecoderPass layers;
  private final List<float[]> scores;

  /**
   * Runs forward.
   *
   * @param padding a token that is passed over at the end of a text; negative for none
   */
  ScorePass(
      Decoder decoder,
      List<TokenizedRow> rows,
      int padding,
      GraphMode mode,
      ActivationMemory memory) {
    this.layers =
        new DecoderPass(decoder, PackedRows.ends(rows, decoder.config, padding), mode, memory);
    try {
      this.scores =
          PackedRows.spreadEnds(
              rows, layers.packed.read().owners(), layers.scores(layers.read(), decoder.head));
    } catch (RuntimeException | Error e) {
      layers.close();
      throw e;
    }
  }

  @Override
  public List<float[]> values() {
    return scores;
  }

  @Override
  public void backward(List<float[]> gradients, Consumer<Segment> onFinal) {
    if (layers.readsNothing()) {
      layers.backwardOfNothing(onFinal);
      return;
    }
    float[] byScore = layers.packed.collectEnds(gradients);
    Decoder decoder = layers.decoder;
    layers.backward(
        layers.scoresBackward(byScore, layers.read(), decoder.head, decoder.headGradient), onFinal);
  }

  @Override
  public void close() {
    layers.close();
  }
}
