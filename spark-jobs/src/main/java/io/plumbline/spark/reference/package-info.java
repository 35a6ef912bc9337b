/** Reference log-probabilities: computed once a row, cached as Parquet. */
package io.plumbline.spark.reference;
