package io.plumbline.model;

import io.plumbline.tensor.Value;

/** The functions of head.py, where shapes are. */
interface HeadKernels {
  /** What the token head says of targets. */
  record TokenResults(
      Value logps,
      Value denominators,
      Value entropies,
      Value hits,
      Value meanLogits,
      Value logSquares,
      Value logits) {}

  TokenResults tokenHead(
      Value x,
      Value predictors,
      Value targets,
      Value normWeight,
      Value weight,
      double temperature,
      int chunk,
      boolean keepLogits,
      boolean withEntropies,
      boolean withHits,
      boolean withMeanLogits,
      boolean withLogSquares);

  Value tokenHeadBackward(
      Value byLogp,
      Value byEntropy,
      Value x,
      Value predictors,
      Value targets,
      Value denominators,
      Value keptLogits,
      Value normWeight,
      Value weight,
      double temperature,
      int chunk,
      Value normGradient,
      Value weightGradient);

  Value scores(Value x, Value places, Value normWeight, Value weight);

  Value scoresBackward(
      Value byScore,
      Value x,
      Value places,
      Value normWeight,
      Value weight,
      Value normGradient,
      Value weightGradient);

  Value allLogits(Value x, Value normWeight, Value weight);
}
