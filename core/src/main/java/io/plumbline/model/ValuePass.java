package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.PackedRows.Reading;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Segment;
import java.util.List;
import java.util.function.Consumer;

/** A micro-batch under the head of a critic, which gives each state of a completion a value. */
final class ValuePass implements TrainingPass<List<List<float[]>>, List<List<float[]>>> {
  private final DecoderPass layers;
  private final List<List<float[]>> values;

  ValuePass(Decoder decoder, List<TokenizedRow> rows, GraphMode mode, ActivationMemory memory) {
    this.layers =
        new DecoderPass(
            decoder, PackedRows.of(rows, decoder.config.vocabSize(), Reading.STATES), mode, memory);
    try {
      this.values =
          PackedRows.spreadStates(
              rows, layers.packed.stateOwners(), layers.scores(layers.states(), decoder.head));
    } catch (RuntimeException | Error e) {
      layers.close();
      throw e;
    }
  }

  @Override
  public List<List<float[]>> values() {
    return values;
  }

  @Override
  public void backward(List<List<float[]>> gradients, Consumer<Segment> onFinal) {
    if (layers.readsNothing()) {
      layers.backwardOfNothing(onFinal);
      return;
    }
    float[] byValue = layers.packed.collectStates(gradients);
    Decoder decoder = layers.decoder;
    layers.backward(
        layers.scoresBackward(byValue, layers.states(), decoder.head, decoder.headGradient),
        onFinal);
  }

  @Override
  public void close() {
    layers.close();
  }
}
