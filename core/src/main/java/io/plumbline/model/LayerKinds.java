package io.plumbline.model;

import io.plumbline.model.architecture.LayerKind;
import io.plumbline.tensor.Scope;
import io.plumbline.tensor.Value;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The kinds of a model's layers as the kernels take them. */
final class LayerKinds {
  /**
   * One kind.
   *
   * @param frequencies [rotated elements / 2], in radians a position
   * @param magnitude [], what multiplies cos and sin
   * @param window as in {@link LayerKind}
   */
  record Values(Value frequencies, Value magnitude, int window) {}

  private final List<LayerKind> distinct;
  private final List<Values> values = new ArrayList<>();
  private final int[] ofLayers;

  LayerKinds(List<LayerKind> layers, Scope scope) {
    distinct = layers.stream().distinct().toList();
    ofLayers = layers.stream().mapToInt(distinct::indexOf).toArray();
    for (LayerKind kind : distinct) {
      float[] rates = kind.rope().inverseFrequencies();
      float[] magnitude = {(float) kind.rope().scaling().magnitude()};
      values.add(
          new Values(scope.floats(rates, rates.length), scope.floats(magnitude), kind.window()));
    }
  }

  List<Values> distinct() {
    return values;
  }

  /** The place in {@link #distinct} of a layer's kind. */
  int ofLayer(int layer) {
    return ofLayers[layer];
  }

  /** {@link #ofLayer} of all layers. */
  long[] ofLayers() {
    return Arrays.stream(ofLayers).asLongStream().toArray();
  }

  long[] windows() {
    return distinct.stream().mapToLong(LayerKind::window).toArray();
  }

  /** Of all kinds: [kinds, rotated elements / 2]. */
  Value frequencies(Scope scope) {
    int half = distinct.get(0).rope().dims() / 2;
    float[] all = new float[distinct.size() * half];
    for (int i = 0; i < distinct.size(); i++) {
      System.arraycopy(distinct.get(i).rope().inverseFrequencies(), 0, all, i * half, half);
    }
    return scope.floats(all, distinct.size(), half);
  }

  /** Of all kinds: [kinds]. */
  Value magnitudes(Scope scope) {
    float[] all = new float[distinct.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) distinct.get(i).rope().scaling().magnitude();
    }
    return scope.floats(all, all.length);
  }
}
