/**
 * The training loop, and one file for each algorithm that reads from top to bottom.
 *
 * <p>Belongs here: what a step is: rows in, loss, gradients, update, metrics. Does not: Spark, and
 * how options are written, which are in {@code spark.training} and {@code spark.cli}. Uses every
 * other package of core.
 */
package io.plumbline.train;
