/**
 * Decoder families, their passes forward and backward, sampling, and heads that score.
 *
 * <p>Belongs here: what turns ids into log-probabilities, scores or new ids, and the gradients of
 * both. Does not: what is made of log-probabilities, which is in {@code objective}. Uses {@code
 * tensor}, {@code checkpoint}, {@code data} and what these use.
 */
package io.plumbline.model;
