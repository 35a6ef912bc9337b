package io.plumbline.advantage;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.base.Settings;
import io.plumbline.base.State;

/**
 * The coefficient β of the KL penalty. Every rank holds one and updates it with the same numbers,
 * so that all have the same bits. Its state is part of a training state.
 */
public interface KlController {
  /** β, by which the KL divergence counts in the loss or in the reward. */
  double coefficient();

  /**
   * Learns what the KL divergence of a step was.
   *
   * @param measuredKl mean over all ranks, in nats, in the unit of the controller's target; an
   *     estimate may be below 0
   * @param samples how many completions it was measured on, over all ranks
   * @throws io.plumbline.error.PlumblineException NUMERICS where it is not finite
   */
  void update(double measuredKl, long samples);

  ObjectNode state();

  /**
   * Continues from what {@link #state} gave.
   *
   * @throws io.plumbline.error.PlumblineException BAD_CHECKPOINT where it is not of this kind
   */
  void restore(ObjectNode state);

  /** A coefficient that stays as it is, 0 or more. */
  static KlController fixed(double coefficient) {
    Settings.notNegative("The KL coefficient", coefficient);
    return new KlController() {
      @Override
      public double coefficient() {
        return coefficient;
      }

      @Override
      public void update(double measuredKl, long samples) {}

      @Override
      public ObjectNode state() {
        return JsonNodeFactory.instance.objectNode().put("kl_controller", "fixed");
      }

      @Override
      public void restore(ObjectNode state) {
        State.checkKind(state, "kl_controller", "fixed");
      }
    };
  }

  /**
   * A coefficient that steers the KL divergence to a target: see {@link AdaptiveKlController}.
   *
   * @param initial β at the start, over 0
   * @param target KL divergence in nats, over 0
   * @param horizon completions over which β may change by a fifth, over 0; 10,000 in TRL's PPO
   */
  static KlController adaptive(double initial, double target, double horizon) {
    return new AdaptiveKlController(initial, target, horizon);
  }
}
