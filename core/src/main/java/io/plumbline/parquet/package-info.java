/**
 * Parquet files of the product's own rows: columns declared once, written and read a row at a time.
 *
 * <p>Belongs here: kinds of values, the columns of a row, and files in storage and in memory. Does
 * not: rows of users' files of any schema, which {@code data} reads; what a row means. Uses {@code
 * storage}.
 */
package io.plumbline.parquet;
