package io.plumbline.train;

import java.util.List;

/**
 * A group of completions that is learned from, or a part of it. Lists are by completion of the
 * whole group.
 *
 * @param firstCompletion the place in the group of the row's first completion
 * @param sampled log-probabilities that the sampler found, by token
 * @param advantages by token
 * @param old log-probabilities by token before the first update; empty where there is but one,
 *     which begins from its own
 * @param reference the reference's, by token; empty without one
 * @param values what a critic expected before the first update, by state; empty without a critic
 * @param returns what it is to expect: of every token's state, and of the one behind the last where
 *     the completion ended by itself; empty without a critic
 */
record LearnedRollout(
    int firstCompletion,
    List<float[]> sampled,
    List<double[]> advantages,
    List<float[]> old,
    List<float[]> reference,
    List<float[]> values,
    List<double[]> returns) {}
