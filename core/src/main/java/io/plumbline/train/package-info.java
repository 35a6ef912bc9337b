/**
 * The training loop, and one file for each algorithm that reads from top to bottom.
 *
 * <p>Belongs here: what a step is: a batch in, loss, gradients, update, metrics. A batch carries
 * all that its loss reads. Does not: Spark, how options are written, and how rollouts are made,
 * which are in {@code spark.training}, {@code spark.cli} and {@code rollout}. Uses the other
 * packages of core but {@code rollout}.
 */
package io.plumbline.train;
