/**
 * The algorithms of the training commands: a file for each, and the list of all.
 *
 * <p>Belongs here: whatever is said of one algorithm and not of others, so that a new one is a file
 * and a line in {@link io.plumbline.spark.training.algorithm.Algorithms}; and what algorithms that
 * sample completions share. Does not: how a step is computed, which is in core's {@code train}; the
 * order of a job's stages, which is in {@code training}. Uses {@code training.rank}.
 */
package io.plumbline.spark.training.algorithm;
