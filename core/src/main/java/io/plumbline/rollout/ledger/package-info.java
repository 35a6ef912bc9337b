/**
 * The table of every rollout of a run, as Parquet files that Spark SQL reads.
 *
 * <p>Belongs here: its columns, how they are written and summed up. Does not: how rollouts are
 * made. Uses the packages below {@code rollout}.
 */
package io.plumbline.rollout.ledger;
