/** The program: finds the command that is called, and says what is there. */
package io.plumbline.spark.cli;
