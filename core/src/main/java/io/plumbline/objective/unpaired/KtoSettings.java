package io.plumbline.objective.unpaired;

import io.plumbline.base.Settings;
import java.io.Serializable;

/**
 * The constants of {@link KtoLossTypes}, under TRL's names. A constant out of its range is refused
 * with BAD_USAGE.
 *
 * @param beta β, over 0
 * @param desirableWeight λ_D, 0 or more
 * @param undesirableWeight λ_U, 0 or more
 */
public record KtoSettings(double beta, double desirableWeight, double undesirableWeight)
    implements Serializable {
  public KtoSettings {
    Settings.positive("beta", beta);
    Settings.check(
        desirableWeight >= 0 && Double.isFinite(desirableWeight),
        "desirable_weight",
        "0 or more",
        desirableWeight);
    Settings.check(
        undesirableWeight >= 0 && Double.isFinite(undesirableWeight),
        "undesirable_weight",
        "0 or more",
        undesirableWeight);
  }
}
