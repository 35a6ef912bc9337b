package io.plumbline.train;

/** The columns of rows that hold all that is learned from them. */
public enum NoColumns {
  NONE
}
