package io.plumbline.data;

/** What the rows of a data set are to become. */
public enum ExampleKind {
  /** Pairs of a chosen and a rejected completion. */
  PREFERENCE,
  /** One completion after a prompt, or whole texts. */
  SUPERVISED,
  /** The chosen completions of preference data, each after its prompt. */
  SUPERVISED_FROM_CHOSEN
}
