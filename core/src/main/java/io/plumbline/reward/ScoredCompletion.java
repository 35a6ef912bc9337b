package io.plumbline.reward;

import java.util.List;
import java.util.Optional;

/**
 * What the functions of a panel say of one completion.
 *
 * @param rewards one a function, without its weight; NaN where it has nothing to say or failed
 * @param steps one list a function; empty where it gave an outcome reward or none
 * @param failure which functions failed and what happened; nothing of a prompt or a completion
 *     stands in it. Empty where none failed.
 */
public record ScoredCompletion(
    double[] rewards, List<List<Reward.Step>> steps, Optional<String> failure) {
  public ScoredCompletion {
    steps = List.copyOf(steps);
  }
}
