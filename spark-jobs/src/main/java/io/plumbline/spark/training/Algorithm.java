package io.plumbline.spark.training;

import io.plumbline.data.ExampleKind;
import java.util.Locale;

/** What a training command runs. */
public enum Algorithm {
  SFT(ExampleKind.SUPERVISED),
  REWARD(ExampleKind.PREFERENCE),
  DPO(ExampleKind.PREFERENCE),
  KTO(ExampleKind.UNPAIRED),
  ORPO(ExampleKind.PREFERENCE),
  SIMPO(ExampleKind.PREFERENCE),
  GRPO(ExampleKind.PROMPT),
  PPO(ExampleKind.PROMPT);

  private final ExampleKind kind;

  Algorithm(ExampleKind kind) {
    this.kind = kind;
  }

  /** The command's name. */
  public String command() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether it learns from completions that the policy writes while it trains. */
  public boolean isOnline() {
    return this == GRPO || this == PPO;
  }

  /** What its rows are. */
  public ExampleKind kind() {
    return kind;
  }
}
