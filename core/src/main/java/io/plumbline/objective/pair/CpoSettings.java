package io.plumbline.objective.pair;

import io.plumbline.base.Settings;
import java.io.Serializable;

/**
 * The constants of {@link CpoLossTypes}, under TRL's names. A constant out of its range is refused
 * with BAD_USAGE.
 *
 * @param beta β, over 0
 * @param labelSmoothing ε, within 0 and 0.5
 * @param simpoGamma γ of {@code simpo}
 * @param alpha AlphaPO's reward shape; 0 for none
 * @param cpoAlpha weight of the chosen side's negative log-likelihood; 0 for none
 */
public record CpoSettings(
    double beta, double labelSmoothing, double simpoGamma, double alpha, double cpoAlpha)
    implements Serializable {
  public CpoSettings {
    Settings.positive("beta", beta);
    Settings.check(
        labelSmoothing >= 0 && labelSmoothing <= 0.5,
        "label_smoothing",
        "within 0 and 0.5",
        labelSmoothing);
    Settings.check(Double.isFinite(simpoGamma), "simpo_gamma", "finite", simpoGamma);
    Settings.check(Double.isFinite(alpha), "alpha", "finite", alpha);
    Settings.notNegative("cpo_alpha", cpoAlpha);
  }
}
