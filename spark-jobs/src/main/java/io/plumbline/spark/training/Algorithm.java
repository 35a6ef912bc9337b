package io.plumbline.spark.training;

import java.util.Locale;

/** What a training command runs. */
public enum Algorithm {
  SFT,
  DPO;

  /** The command's name. */
  public String command() {
    return name().toLowerCase(Locale.ROOT);
  }
}
