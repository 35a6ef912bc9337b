package io.plumbline.objective.unpaired;

/** The label of an unpaired completion. */
public enum Desirability {
  DESIRABLE,
  UNDESIRABLE
}
