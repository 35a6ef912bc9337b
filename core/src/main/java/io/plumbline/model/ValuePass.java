package io.plumbline.model;

import io.plumbline.data.TokenizedRow;
import io.plumbline.model.PackedRows.Reading;
import io.plumbline.tensor.GraphMode;
import io.plumbline.tensor.Segment;
import io.plumbline.tensor.Value;
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
      float[] found =
          layers.readsNothing()
              ? new float[0]
              : layers
                  .call("scores", layers.last(), layers.states(), decoder.norm, decoder.head)
                  .floats();
      this.values = PackedRows.spreadStates(rows, layers.packed.stateOwners(), found);
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
    Value byLast =
        layers.callWithGraph(
            "scores_backward",
            layers.scope.floats(byValue, byValue.length),
            layers.last(),
            layers.states(),
            decoder.norm,
            decoder.head,
            decoder.normGradient,
            decoder.headGradient);
    layers.backward(byLast, onFinal);
  }

  @Override
  public void close() {
    layers.close();
  }
}
