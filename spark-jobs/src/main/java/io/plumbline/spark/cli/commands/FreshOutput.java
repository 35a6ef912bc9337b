package io.plumbline.spark.cli.commands;

import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;

/** The directory that a command writes anew. */
final class FreshOutput {
  private FreshOutput() {}

  /**
   * Empties a directory, if it may.
   *
   * @param overwrite whether what is in it may be deleted
   * @param beforeDeleting fails where something else forbids it
   * @throws PlumblineException OUTPUT_IN_USE where there is something that may not be deleted
   */
  static void clear(Storage storage, String output, boolean overwrite, Runnable beforeDeleting) {
    if (storage.list(output).isEmpty()) {
      return;
    }
    if (!overwrite) {
      throw new PlumblineException(
          ErrorCode.OUTPUT_IN_USE,
          output + " is not empty: name another --output, or replace it by --overwrite.");
    }
    beforeDeleting.run();
    storage.delete(output);
  }
}
