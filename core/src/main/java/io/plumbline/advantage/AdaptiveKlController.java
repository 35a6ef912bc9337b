package io.plumbline.advantage;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Settings;
import io.plumbline.base.State;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;

/**
 * A proportional controller in log space: Ziegler et al., "Fine-Tuning Language Models from Human
 * Preferences" (2019), section 2.2.
 *
 * <p>e = clip((KL − target) / target, −0.2, 0.2) and β ← β·(1 + K·e), where K = 0.1 in the paper;
 * here, as in its code and in TRL, K = samples / horizon. K is at most 1: a batch over the horizon
 * changes β by a fifth and never below 0.
 */
final class AdaptiveKlController implements KlController {
  private static final double CLIP = 0.2;

  private final double target;
  private final double horizon;
  private double coefficient;

  AdaptiveKlController(double initial, double target, double horizon) {
    Settings.positive("The initial KL coefficient", initial);
    Settings.positive("The KL target", target);
    Settings.positive("The KL horizon", horizon);
    this.coefficient = initial;
    this.target = target;
    this.horizon = horizon;
  }

  @Override
  public double coefficient() {
    return coefficient;
  }

  @Override
  public void update(double measuredKl, long samples) {
    if (!Double.isFinite(measuredKl)) {
      throw new PlumblineException(
          ErrorCode.NUMERICS,
          "The measured KL divergence is "
              + measuredKl
              + ", which the adaptive controller cannot follow; lower the learning rate.");
    }
    double error = Math.max(-CLIP, Math.min(CLIP, (measuredKl - target) / target));
    coefficient *= 1 + error * Math.min(1, samples / horizon);
  }

  @Override
  public ObjectNode state() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("kl_controller", "adaptive")
        .put("coefficient", coefficient);
  }

  @Override
  public void restore(ObjectNode state) {
    State.checkKind(state, "kl_controller", "adaptive");
    coefficient = State.number(state, "coefficient");
  }
}
