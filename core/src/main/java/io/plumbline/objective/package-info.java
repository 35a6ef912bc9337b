/**
 * Losses as pure functions of log-probabilities or scores, each with its paper's equation.
 *
 * <p>Belongs here: what losses of several kinds share. A loss is a class in the package of its
 * data: {@code pair}, {@code unpaired}, {@code score}, {@code rollout}. Does not: models, rows, or
 * when a loss is applied, which is in {@code train}. Uses {@code error} and {@code base}.
 */
package io.plumbline.objective;
