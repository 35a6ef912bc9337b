/**
 * Users' rows to tokenized rows and canonical shards, as Spark stages.
 *
 * <p>Belongs here: slicing files, refusing rows, ordering by seed, splitting and joining sets of
 * rows. Does not: what one row means, which is in core's {@code data}; tables and queries, which
 * are in {@code source}. Uses core and {@code source}.
 */
package io.plumbline.spark.prepare;
