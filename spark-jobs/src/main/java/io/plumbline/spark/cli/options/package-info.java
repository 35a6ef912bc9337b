/**
 * What a command takes: settings, their groups for several commands, and how a command line and a
 * file are read. Knows no command.
 */
package io.plumbline.spark.cli.options;
