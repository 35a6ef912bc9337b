/**
 * What a rank of a training job does whatever the algorithm is: loads the model, runs the loop,
 * writes metrics and samples, and tells the driver.
 *
 * <p>Belongs here: what {@link io.plumbline.spark.training.rank.RankTraining} offers to algorithms,
 * and what ranks write and say. Does not: what an algorithm is, which is in {@code algorithm}; what
 * the driver does, which is in {@code training}. Uses neither.
 */
package io.plumbline.spark.training.rank;
