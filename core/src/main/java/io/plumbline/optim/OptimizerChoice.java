package io.plumbline.optim;

/** Which optimizer turns gradients into new weights. */
public enum OptimizerChoice {
  /** {@link AdamW}. */
  ADAMW,
  /** {@link Adafactor}. */
  ADAFACTOR,
  /** {@link Sgd}. */
  SGD,
  /** {@link Muon} for the matrices of layers, AdamW for all else. */
  MUON;

  /** Whether it reads an option that not all optimizers read: its name begins with theirs. */
  boolean reads(String option) {
    return switch (this) {
      case ADAMW -> option.startsWith("adam-");
      case ADAFACTOR -> false;
      case SGD -> option.startsWith("sgd-");
      case MUON -> option.startsWith("muon-") || option.startsWith("adam-");
    };
  }
}
