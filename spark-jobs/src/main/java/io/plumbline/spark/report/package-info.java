/**
 * The reports: one self-contained HTML page each of a training run, an evaluation and a pipeline.
 * Here stand what a page shows (records that become its JSON), the frame that all pages share, and
 * as resources the scripts and styles that draw it: {@code charts.js} and {@code planes.js} draw
 * every chart. Measuring does not belong here; a page shows what others measured. Nothing here uses
 * Spark, the command line or a model.
 */
package io.plumbline.spark.report;
