package io.plumbline.objective;

import io.plumbline.objective.pair.CpoSettings;
import io.plumbline.objective.pair.Divergence;
import io.plumbline.objective.pair.PreferenceSettings;
import io.plumbline.objective.unpaired.KtoSettings;

/** The constants of losses as TRL has them by default. */
public final class TrlDefaults {
  private TrlDefaults() {}

  public static PreferenceSettings preference() {
    return new PreferenceSettings(
        0.1, 0, new Divergence.ReverseKl(), 0.05, 1, PreferenceSettings.Weighting.NONE);
  }

  public static CpoSettings cpo() {
    return new CpoSettings(0.1, 0, 0.5, 0, 1);
  }

  public static KtoSettings kto() {
    return new KtoSettings(0.1, 1, 1);
  }
}
