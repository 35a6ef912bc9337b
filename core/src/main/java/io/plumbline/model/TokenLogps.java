package io.plumbline.model;

import java.util.List;

/**
 * Per-token values of a micro-batch's completions.
 *
 * @param logps by row, by completion: log p of each completion token given all before it, in nats,
 *     over the full vocabulary at temperature 1. Tokens masked out of the loss have 0.
 * @param entropies the same shape: entropy of the distribution at each token, in nats; empty unless
 *     asked for
 * @param correct the same shape: 1 where the token is the most probable one, else 0; empty unless
 *     asked for
 */
public record TokenLogps(
    List<List<float[]>> logps, List<List<float[]>> entropies, List<List<float[]>> correct) {}
