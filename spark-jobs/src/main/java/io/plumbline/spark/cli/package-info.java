/** The command line: options, checks before any work, progress, and the commands themselves. */
package io.plumbline.spark.cli;
