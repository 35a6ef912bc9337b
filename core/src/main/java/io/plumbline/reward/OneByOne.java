package io.plumbline.reward;

import java.util.ArrayList;
import java.util.List;

/** A function that looks at each completion by itself. */
@FunctionalInterface
public interface OneByOne extends RewardFunction {
  Reward scoreOne(Completion completion) throws Exception;

  @Override
  default List<Reward> score(List<Completion> completions) throws Exception {
    List<Reward> rewards = new ArrayList<>();
    for (Completion completion : completions) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      rewards.add(scoreOne(completion));
    }
    return rewards;
  }
}
