/**
 * Estimates with their errors: calibration, ranks, importance-weighted expectations.
 *
 * <p>Belongs here: pure functions of numbers that were measured. Does not: what is measured. Uses
 * {@code error} and {@code base}.
 */
package io.plumbline.statistics;
