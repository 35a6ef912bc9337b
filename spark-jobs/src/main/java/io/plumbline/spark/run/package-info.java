/**
 * The directory of a run: which files it has, who may write to it.
 *
 * <p>Belongs here: names of files, the claim on an output, the file of metrics. Does not: what a
 * run does. Uses core.
 */
package io.plumbline.spark.run;
