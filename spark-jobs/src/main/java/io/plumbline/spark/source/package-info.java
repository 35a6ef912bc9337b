/**
 * Training data out of any Spark source: tables, queries and lakehouse directories become snapshots
 * of plain Parquet files, which everything behind them reads.
 */
package io.plumbline.spark.source;
