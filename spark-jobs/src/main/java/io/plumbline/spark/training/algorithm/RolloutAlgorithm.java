package io.plumbline.spark.training.algorithm;

import io.plumbline.data.ExampleKind;
import java.util.List;

/** An algorithm that learns from completions of prompts, which the policy writes as it trains. */
abstract class RolloutAlgorithm extends Algorithm {
  <T extends Record & RolloutSettings> RolloutAlgorithm(
      String command, Class<T> settings, Help help) {
    super(
        command,
        ExampleKind.PROMPT,
        settings,
        help,
        List.of(
            Clause.number("the mean reward of a completion", "eval_reward"),
            Clause.number(
                "the mean length of a completion, in tokens,", "eval_completions/mean_length")));
  }

  @Override
  public String measure() {
    return "eval_reward";
  }

  @Override
  public boolean rollsOut() {
    return true;
  }
}
