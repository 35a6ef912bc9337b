/**
 * Models applied to a table on executors: completions, scores, log-probabilities.
 *
 * <p>Belongs here: loading models once a process, rows in, results out. Does not: what is made of
 * the results, which is in {@code evaluate}, {@code mine} and {@code training}. Uses core, {@code
 * source} and {@code progress}.
 */
package io.plumbline.spark.inference;
