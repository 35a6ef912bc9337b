package io.plumbline.reward;

import java.util.List;
import java.util.Set;

/**
 * A function that looks for certain texts in completions.
 *
 * @param reads these texts
 */
public record Reading(OneByOne function, Set<String> reads) implements RewardFunction {
  @Override
  public List<Reward> score(List<Completion> completions) throws Exception {
    return function.score(completions);
  }
}
