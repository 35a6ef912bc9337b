package io.plumbline.advantage;

import io.plumbline.base.Settings;

/**
 * Generalized advantage estimation: Schulman et al., "High-Dimensional Continuous Control Using
 * Generalized Advantage Estimation" (2016), equation 16.
 *
 * <p>δ_t = r_t + γ·V(s_{t+1}) − V(s_t), A_t = δ_t + γλ·A_{t+1}, with V and A 0 behind the end. The
 * return that the critic learns is A_t + V(s_t).
 *
 * @param gamma discount of a token's distance, within 0 and 1
 * @param lambda how far estimates trust rewards (1) rather than the critic (0)
 */
public record GeneralizedAdvantage(double gamma, double lambda) {
  public GeneralizedAdvantage {
    Settings.check(gamma >= 0 && gamma <= 1, "gamma", "within 0 and 1", gamma);
    Settings.check(lambda >= 0 && lambda <= 1, "lam", "within 0 and 1", lambda);
  }

  /** By place, as long as the rewards. */
  public record Estimates(double[] advantages, double[] returns) {}

  /**
   * The estimates of one completion.
   *
   * @param rewards r_t, by place
   * @param values V(s_t), at least as many; those past the rewards are not read
   */
  public Estimates of(double[] rewards, float[] values) {
    double[] advantages = new double[rewards.length];
    double[] returns = new double[rewards.length];
    double next = 0;
    double nextValue = 0;
    for (int t = rewards.length - 1; t >= 0; t--) {
      double delta = rewards[t] + gamma * nextValue - values[t];
      next = delta + gamma * lambda * next;
      advantages[t] = next;
      returns[t] = next + values[t];
      nextValue = values[t];
    }
    return new Estimates(advantages, returns);
  }
}
