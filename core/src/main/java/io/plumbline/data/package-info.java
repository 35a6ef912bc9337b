/**
 * Rows: how users' files are read, what a row of each format means, its tokens, and the files that
 * prepared rows and canonical shards are kept in.
 *
 * <p>Belongs here: what is true of one row or one file. Does not: work over many files, which is
 * {@code spark.prepare}, and tables of a catalog, which are {@code spark.source}. Uses {@code
 * error}, {@code storage} and {@code text}.
 */
package io.plumbline.data;
