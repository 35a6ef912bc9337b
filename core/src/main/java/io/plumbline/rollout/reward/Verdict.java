package io.plumbline.rollout.reward;

import io.plumbline.rollout.Reward;

/**
 * The two values of a reward that says yes or no.
 *
 * @param reward for yes
 * @param penalty for no
 */
record Verdict(double reward, double penalty) {
  static Verdict of(Options options) {
    return new Verdict(options.number("reward", 1), options.number("penalty", 0));
  }

  Reward on(boolean yes) {
    return Reward.of(yes ? reward : penalty);
  }
}
