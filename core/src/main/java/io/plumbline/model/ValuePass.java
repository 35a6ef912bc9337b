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
  private final Value weight;
  private final Value weightGradient;
  private final List<List<float[]>> values;

  /**
   * Runs forward.
   *
   * @param weight of the head, [1, hidden]: the decoder's own, or another on the same trunk
   * @param weightGradient to which backward adds
   */
  ValuePass(
      Decoder decoder,
      Value weight,
      Value weightGradient,
      List<TokenizedRow> rows,
      GraphMode mode,
      ActivationMemory memory) {
    this.weight = weight;
    this.weightGradient = weightGradient;
    this.layers =
        new DecoderPass(decoder, PackedRows.of(rows, decoder.config, Reading.STATES), mode, memory);
    try {
      this.values =
          PackedRows.spreadStates(
              rows, layers.packed.states().owners(), layers.scores(layers.states(), weight));
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
    layers.backward(
        layers.scoresBackward(byValue, layers.states(), weight, weightGradient), onFinal);
  }

  @Override
  public void close() {
    layers.close();
  }
}
