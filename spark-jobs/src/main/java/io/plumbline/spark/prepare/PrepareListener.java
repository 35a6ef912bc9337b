package io.plumbline.spark.prepare;

/**
 * Hears how far preparing has come: first of no part, before any is begun. Called on the driver, by
 * one thread at a time.
 */
@FunctionalInterface
public interface PrepareListener {
  /** Hears nothing. */
  PrepareListener NONE = (done, parts, rows) -> {};

  /**
   * @param done parts that are tokenized
   * @param parts all of them
   * @param rows read so far
   */
  void partsDone(int done, int parts, long rows);

  /** One line worth reading before the work. */
  default void note(String line) {}
}
