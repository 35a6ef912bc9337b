package io.plumbline.reward;

/**
 * The two values of a reward that says yes or no.
 *
 * @param reward for yes
 * @param penalty for no
 */
public record Verdict(double reward, double penalty) {
  public static Verdict of(Options options) {
    return new Verdict(options.number("reward", 1), options.number("penalty", 0));
  }

  public Reward on(boolean yes) {
    return Reward.of(yes ? reward : penalty);
  }
}
