/**
 * Losses as pure functions of log-probabilities or scores, each with its paper's equation.
 *
 * <p>Belongs here: a class for each loss, its settings, and what is counted of its inputs. Does
 * not: models, rows, or when a loss is applied, which is in {@code train}. Uses {@code error}.
 */
package io.plumbline.objective;
