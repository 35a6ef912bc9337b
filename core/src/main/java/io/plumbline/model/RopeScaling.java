package io.plumbline.model;

/** How rotary frequencies are stretched for contexts longer than the pre-training's. */
public sealed interface RopeScaling {
  /** Not at all. */
  record None() implements RopeScaling {}

  /** Every frequency divided by the factor. */
  record Linear(double factor) implements RopeScaling {}

  /** Llama 3.1's: low frequencies divided by the factor, high ones kept, smooth in between. */
  record Llama3(
      double factor, double lowFreqFactor, double highFreqFactor, double originalMaxPositions)
      implements RopeScaling {}
}
