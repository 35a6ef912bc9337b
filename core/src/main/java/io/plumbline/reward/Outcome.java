package io.plumbline.reward;

import java.util.Optional;

/**
 * What became of one completion under one function.
 *
 * @param reward nothing to say where there is a failure
 * @param failure what happened, in words that may stand in a log
 */
record Outcome(Reward reward, Optional<String> failure) {
  static Outcome of(Reward reward) {
    return new Outcome(reward, Optional.empty());
  }

  static Outcome failed(String what) {
    return new Outcome(Reward.notApplicable(), Optional.of(what));
  }
}
