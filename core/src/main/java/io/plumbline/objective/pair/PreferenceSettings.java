package io.plumbline.objective.pair;

import io.plumbline.base.Settings;
import java.io.Serializable;

/**
 * The constants of {@link LossTypes}, under TRL's names and with TRL's defaults. A constant out of
 * its range is refused with BAD_USAGE.
 *
 * @param beta β, over 0
 * @param labelSmoothing ε, within 0 and 0.5
 * @param divergence TRL's {@code f_divergence_type}
 * @param discopopTau τ of {@code discopop}, over 0
 * @param ldAlpha α of {@link LengthDesensitized} sides; 1 for none. Applied before the objective,
 *     known here to refuse what it does not fit.
 * @param weighting of pairs; applied after the objective, known here to refuse what it does not fit
 */
public record PreferenceSettings(
    double beta,
    double labelSmoothing,
    Divergence divergence,
    double discopopTau,
    double ldAlpha,
    Weighting weighting)
    implements Serializable {

  /** What a pair's loss is multiplied by. */
  public enum Weighting {
    /** Pairs count alike. */
    NONE,
    /** {@link WeightedPreference}, TRL's {@code use_weighting}. */
    WPO
  }

  public PreferenceSettings {
    Settings.positive("beta", beta);
    Settings.check(
        labelSmoothing >= 0 && labelSmoothing <= 0.5,
        "label_smoothing",
        "within 0 and 0.5",
        labelSmoothing);
    Settings.positive("discopop_tau", discopopTau);
    Settings.check(ldAlpha >= 0 && ldAlpha <= 1, "ld_alpha", "within 0 and 1", ldAlpha);
  }
}
