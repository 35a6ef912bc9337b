/**
 * Sums, gathers and barriers over the ranks of a gang, through shared memory or a ring of channels.
 *
 * <p>Belongs here: how ranks exchange numbers, and how they notice that one is gone. Does not: what
 * the numbers are; and how Spark starts ranks, which is in {@code spark.gang}. Uses the packages
 * below it: {@code error}, {@code storage}, {@code tensor}.
 */
package io.plumbline.collective;
