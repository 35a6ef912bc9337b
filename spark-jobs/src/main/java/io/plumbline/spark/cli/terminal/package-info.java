/**
 * What somebody at a terminal sees of a command: progress, failures, the sentence at its end. Knows
 * neither options nor commands.
 */
package io.plumbline.spark.cli.terminal;
