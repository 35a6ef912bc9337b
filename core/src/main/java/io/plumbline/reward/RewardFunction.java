package io.plumbline.reward;

import java.util.List;
import java.util.Set;

/**
 * Scores completions. Implementations are found by {@link java.util.ServiceLoader} through {@link
 * RewardFunctionFactory}, or by class name; each rank has instances of its own and calls them from
 * one thread at a time.
 */
public interface RewardFunction extends AutoCloseable {
  /**
   * Scores a batch.
   *
   * @return a reward for each completion, in their order
   * @throws Exception where it can score none of them; the completions are then marked as failed
   */
  List<Reward> score(List<Completion> completions) throws Exception;

  /**
   * Texts such as {@code <step>} that this function looks for in completions. A tokenizer may have
   * them as special tokens, which the text of a completion leaves out unless a function reads them;
   * {@code <think>} and {@code <answer>} are always there.
   */
  default Set<String> reads() {
    return Set.of();
  }

  @Override
  default void close() {}
}
