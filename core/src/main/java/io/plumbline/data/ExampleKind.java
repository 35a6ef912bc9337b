package io.plumbline.data;

/** What the rows of a data set are to become. */
public enum ExampleKind {
  /** Pairs of a chosen and a rejected completion. */
  PREFERENCE("preference data"),
  /** One completion after a prompt, or whole texts. */
  SUPERVISED("supervised data"),
  /** The chosen completions of preference data, each after its prompt. */
  SUPERVISED_FROM_CHOSEN("supervised data from the chosen side of pairs"),
  /** One completion after a prompt, labelled as good or bad. */
  UNPAIRED("unpaired data with labels"),
  /** Prompts alone, to which a model in training writes the completions. */
  PROMPT("prompt data");

  private final String words;

  ExampleKind(String words) {
    this.words = words;
  }

  /**
   * Whether rows keep all columns of the input, known or not, for the reward functions that score
   * what is written to them: {@link TokenizedRow#columns}.
   */
  public boolean keepsColumns() {
    return this == PROMPT;
  }

  /** For sentences. */
  public String words() {
    return words;
  }
}
