package io.plumbline.mine;

/**
 * A completion that may be learned from.
 *
 * @param sample its place among the completions of its prompt, from 0
 * @param reward finite
 */
public record Candidate(int sample, double reward) {}
