/** What a model says about given text, what it writes itself, and how well it prefers. */
package io.plumbline.spark.evaluate;
