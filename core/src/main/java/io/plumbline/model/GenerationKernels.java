package io.plumbline.model;

import io.plumbline.tensor.Value;

/** The functions of generation.py, where shapes are. */
interface GenerationKernels {
  /** A token of each row, and its log-probability. */
  record Picked(Value tokens, Value logps) {}

  Value stepWeights(
      Value embedding,
      Value norm,
      Value head,
      Value layers,
      Value frequencies,
      Value magnitudes,
      long[] windows,
      long[] kinds);

  Value newCache(Value like, int b, int capacity);

  Value grownCache(Value cache, int capacity);

  void placeRows(
      Value cache, int at, int end, Value source, long[] rows, int sourceEnd, long[] lengths);

  Value selectedRows(Value x, Value rows);

  Value promptMask(Value padding, int length);

  Value stepMask(Value padding, int length);

  Value step(Value ids, Value positions, Value cache, int cached, Value mask, Value w);

  Picked pick(
      Value logits,
      Value seen,
      Value u,
      double temperature,
      double penalty,
      int topK,
      double topP,
      double minP);
}
