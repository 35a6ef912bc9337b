package io.plumbline.objective;

/** The label of an unpaired completion. */
public enum Desirability {
  DESIRABLE,
  UNDESIRABLE
}
