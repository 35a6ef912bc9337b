package io.plumbline.data;

/** Which tokens of supervised rows are learned. */
public enum LossOn {
  /** The completion; whole texts and conversations to the last token. */
  COMPLETION,
  /** What the assistant says in a conversation; of a completion only that. */
  ASSISTANT,
  /** Every token, those of the prompt too. */
  ALL
}
