package io.plumbline.model;

import io.plumbline.tensor.Value;

/** The functions of layers.py, where shapes are. */
interface LayerKernels {
  Value embed(Value ids, Value positions, Value weight);

  Value packedPlaces(
      Value positions,
      Value frequencies,
      Value magnitude,
      int window,
      Value parts,
      long[] blocks,
      long[] plain);

  Value keptPlaces(
      Value places,
      Value positions,
      int window,
      Value parts,
      long[] plain,
      long[] starts,
      Value kept);

  Value layerForward(Value x, Value places, Value keys, Value w);

  Value layerBackward(Value y, Value gy, Value x, Value w, Value gradients);

  Value inputBackward(Value y, Value gy, Value x);

  void embedBackward(Value ids, Value positions, Value gx, Value gradient);

  Value cut(Value y);

  Value plus(Value x, Value y);
}
