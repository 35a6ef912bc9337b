package io.plumbline.rollout;

/**
 * How the multipliers of constraints move.
 *
 * @param initial λ at the start, 0 or more
 * @param learningRate K_I: by how much λ rises for each unit of cost over the limit, over 0
 * @param proportional K_P: how much of the present excess is added on top, 0 or more
 * @param derivative K_D: how much of the cost's last rise is added on top, 0 or more
 * @param highest what λ may be at most, over 0
 * @param headroom how far below its limit a cost is steered, as a share of the limit's size, within
 *     0 and 1: sampling noise then stays under the limit as well
 * @param unit what an excess of 1 is
 * @param combination how reward and costs make one number
 */
public record LagrangeSettings(
    double initial,
    double learningRate,
    double proportional,
    double derivative,
    double highest,
    double headroom,
    Unit unit,
    Combination combination) {

  /** What costs and multipliers are counted in where a multiplier moves. */
  public enum Unit {
    /** The cost's own unit. */
    COST,
    /**
     * The size of the limit, or the cost's own unit where the limit is 0: costs of all sizes can
     * have the same gains.
     */
    LIMIT
  }

  /** How reward and costs make one number. */
  public enum Combination {
    /** (reward − Σ λ·cost) / (1 + Σ λ): rewards keep their size as multipliers grow. */
    NORMALIZED,
    /** reward − Σ λ·cost. */
    PLAIN
  }

  public LagrangeSettings {
    Settings.notNegative("The initial multiplier", initial);
    Settings.positive("The multipliers' learning rate", learningRate);
    Settings.notNegative("The multipliers' proportional gain", proportional);
    Settings.notNegative("The multipliers' derivative gain", derivative);
    Settings.check(highest > 0, "The highest multiplier", "over 0", highest);
    Settings.check(headroom >= 0 && headroom < 1, "The headroom", "from 0 to under 1", headroom);
  }

  /** Projected dual ascent, without headroom. */
  public static LagrangeSettings dualAscent(double initial, double learningRate) {
    return new LagrangeSettings(
        initial,
        learningRate,
        0,
        0,
        Double.POSITIVE_INFINITY,
        0,
        Unit.COST,
        Combination.NORMALIZED);
  }
}
