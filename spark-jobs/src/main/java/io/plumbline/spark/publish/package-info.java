/** Which model is the published one: a log of versions, and one file that points at the newest. */
package io.plumbline.spark.publish;
