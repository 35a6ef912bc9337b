/**
 * Losses of the scores of a reward model: Bradley–Terry.
 *
 * <p>Belongs here: a class for each loss. Does not: the head that computes scores, which is in
 * {@code model}. Uses nothing of Plumbline.
 */
package io.plumbline.objective.score;
