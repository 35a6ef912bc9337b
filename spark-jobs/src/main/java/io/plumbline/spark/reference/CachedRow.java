package io.plumbline.spark.reference;

/**
 * What the cache keeps of a row.
 *
 * @param fingerprint of the tokenized row
 * @param logps for each completion the log-probability of each token, in nats
 */
record CachedRow(String fingerprint, float[][] logps) implements java.io.Serializable {}
