package io.plumbline.spark.training;

import io.plumbline.data.ExampleKind;
import java.util.Locale;

/** What a training command runs. */
public enum Algorithm {
  SFT(ExampleKind.SUPERVISED, AlgorithmSettings.Sft.class),
  REWARD(ExampleKind.PREFERENCE, AlgorithmSettings.Reward.class),
  DPO(ExampleKind.PREFERENCE, AlgorithmSettings.Dpo.class),
  KTO(ExampleKind.UNPAIRED, AlgorithmSettings.Kto.class),
  ORPO(ExampleKind.PREFERENCE, AlgorithmSettings.Orpo.class),
  SIMPO(ExampleKind.PREFERENCE, AlgorithmSettings.Simpo.class),
  GRPO(ExampleKind.PROMPT, GrpoRunSettings.class),
  PPO(ExampleKind.PROMPT, PpoRunSettings.class);

  private final ExampleKind kind;
  private final Class<? extends Record> settings;

  <T extends Record & AlgorithmSettings> Algorithm(ExampleKind kind, Class<T> settings) {
    this.kind = kind;
    this.settings = settings;
  }

  /** What it is set by that others are not, a record of {@link AlgorithmSettings}. */
  public Class<? extends Record> settings() {
    return settings;
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
