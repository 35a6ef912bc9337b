/**
 * Pipelines: the file, what is planned, and the run of its stages. Stages are commands that it is
 * given; it names none but by what StageParts holds.
 */
package io.plumbline.spark.cli.pipeline;
