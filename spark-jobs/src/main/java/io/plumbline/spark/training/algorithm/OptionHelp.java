package io.plumbline.spark.training.algorithm;

/** What the help of several algorithms has in common. */
public final class OptionHelp {
  /** Heading of what texts are cut by. */
  public static final String TEXTS = "Texts and tokens";

  /** Heading of what an objective is set by. */
  static final String OBJECTIVE = "Objective";

  static final String BETA = "How much a log-ratio counts: higher stays nearer to the reference.";
  static final String LABEL_SMOOTHING = "Share of the labels taken to be wrong.";

  /** The names follow, which only the registry of the losses knows. */
  static final String LOSS_TYPE = "Which loss (docs/objectives.md): ";

  /** What a step holds, in the help that all training commands have. */
  static final String ROWS = "Rows a step";

  /** What a step holds where rows are pairs. */
  static final String PAIRS = "Pairs a step";

  private OptionHelp() {}
}
