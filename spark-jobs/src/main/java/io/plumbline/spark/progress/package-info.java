/**
 * What a stage tells while it runs.
 *
 * <p>Belongs here: the listener and what it hears. Does not: how progress is shown, which is in
 * {@code cli}, or sent, which is in {@code tracking}. Uses core.
 */
package io.plumbline.spark.progress;
