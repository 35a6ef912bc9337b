/**
 * What a run tells while it goes: progress to a listener, metrics to a file, and both to an MLflow
 * server.
 *
 * <p>Belongs here: the shape of progress and metrics, and where they are sent. Does not: what is
 * measured, which the stages say. Uses core.
 */
package io.plumbline.spark.tracking;
