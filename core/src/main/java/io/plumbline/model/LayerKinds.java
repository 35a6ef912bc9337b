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
   * @param frequencies [tables, rotated elements / 2], in radians a position
   * @param magnitude [], what multiplies cos and sin
   * @param window as in {@link LayerKind}
   */
  record Values(Value frequencies, Value magnitude, int window) {}

  /** Of each kind its tables, one behind the other. */
  private final List<float[]> frequencies = new ArrayList<>();

  /**
   * Of frequencies: one, or two where a kind has others for sequences beyond the original context.
   */
  private final int tables;

  private final float[] magnitudes;
  private final List<Values> values = new ArrayList<>();
  private final int[] ofLayers;

  LayerKinds(List<LayerKind> layers, Scope scope) {
    List<LayerKind> distinct = layers.stream().distinct().toList();
    ofLayers = layers.stream().mapToInt(distinct::indexOf).toArray();
    magnitudes = new float[distinct.size()];
    tables =
        distinct.stream().allMatch(k -> k.rope().scaling().originalPositions() == Integer.MAX_VALUE)
            ? 1
            : 2;
    for (LayerKind kind : distinct) {
      float[] rates = kind.rope().inverseFrequencies();
      int half = rates.length;
      if (tables > 1) {
        rates = Arrays.copyOf(rates, 2 * half);
        System.arraycopy(kind.rope().longFrequencies(), 0, rates, half, half);
      }
      float magnitude = (float) kind.rope().scaling().magnitude();
      magnitudes[values.size()] = magnitude;
      frequencies.add(rates);
      values.add(
          new Values(
              scope.floats(rates, tables, half),
              scope.floats(new float[] {magnitude}),
              kind.window()));
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
    return values.stream().mapToLong(Values::window).toArray();
  }

  /** Of all kinds: [kinds, tables, rotated elements / 2]. */
  Value frequencies(Scope scope) {
    int size = frequencies.get(0).length;
    float[] all = new float[frequencies.size() * size];
    for (int i = 0; i < frequencies.size(); i++) {
      System.arraycopy(frequencies.get(i), 0, all, i * size, size);
    }
    return scope.floats(all, frequencies.size(), tables, size / tables);
  }

  /** Of all kinds: [kinds]. */
  Value magnitudes(Scope scope) {
    return scope.floats(magnitudes, magnitudes.length);
  }

  /** Of each kind the places of a micro-batch, by packed_places, where the arguments are. */
  List<Value> places(
      LayerKernels kernels, Value positions, Value parts, long[] blocks, long[] plain) {
    return values.stream()
        .map(
            kind ->
                kernels.packedPlaces(
                    positions,
                    kind.frequencies(),
                    kind.magnitude(),
                    kind.window(),
                    parts,
                    blocks,
                    plain))
        .toList();
  }
}
