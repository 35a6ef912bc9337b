/**
 * Losses of completions that are each desirable or not: KTO and its variants (arXiv 2402.01306).
 *
 * <p>Belongs here: a class for each loss. Does not: the estimate of the divergence over a batch,
 * which is in {@code train}. Uses {@code objective} and {@code objective.pair}.
 */
package io.plumbline.objective.unpaired;
