/**
 * A training command as a job: checks before any work, rows, reference, gang, checkpoint, report.
 *
 * <p>Belongs here: what is asked of a run, its directory, and the order of its stages. Does not:
 * what is said of one algorithm, which is in {@code training.algorithm}; what a rank does, which is
 * in {@code training.rank}; how options are read, which is in {@code cli}. Uses every other package
 * of {@code spark} but {@code cli}.
 */
package io.plumbline.spark.training;
