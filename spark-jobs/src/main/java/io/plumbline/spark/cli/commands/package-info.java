/** A class a command, and what several of them share. Commands holds them all. */
package io.plumbline.spark.cli.commands;
