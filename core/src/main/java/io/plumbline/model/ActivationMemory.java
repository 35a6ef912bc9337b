package io.plumbline.model;

/** What a training pass does with what its layers need again in backward. */
public enum ActivationMemory {
  KEEP,
  /** Keeps each layer's input only and runs the layer again: gradient checkpointing. */
  RECOMPUTE
}
