package io.plumbline.train;

import java.util.List;

/**
 * What is known of a row of rollouts besides its tokens. Lists are by completion of the row.
 *
 * @param sampled log-probabilities in nats that the sampler found, by token; empty where it was not
 *     one of ours
 * @param advantages by token
 * @param old log-probabilities by token before the first update; empty where there is but one,
 *     which begins from its own
 * @param reference the reference's, by token; empty without one
 * @param values what a critic expected before the first update, by state; empty without a critic
 * @param returns what it is to expect: of every token's state, and of the one behind the last where
 *     the completion ended by itself; empty without a critic
 */
public record LearnedRollout(
    List<float[]> sampled,
    List<double[]> advantages,
    List<float[]> old,
    List<float[]> reference,
    List<float[]> values,
    List<double[]> returns) {

  /**
   * The part of some of the completions.
   *
   * @param from the first one
   * @param to behind the last one
   */
  public LearnedRollout part(int from, int to) {
    return new LearnedRollout(
        part(sampled, from, to),
        part(advantages, from, to),
        part(old, from, to),
        part(reference, from, to),
        part(values, from, to),
        part(returns, from, to));
  }

  private static <T> List<T> part(List<T> all, int from, int to) {
    return all.isEmpty() ? all : all.subList(from, to);
  }

  /** Old log-probabilities of a completion; of length 0 where there are none. */
  float[] old(int completion) {
    return old.isEmpty() ? new float[0] : old.get(completion);
  }

  /** The reference's log-probabilities of a completion; of length 0 without a reference. */
  float[] reference(int completion) {
    return reference.isEmpty() ? new float[0] : reference.get(completion);
  }
}
