package io.plumbline.data;

import io.plumbline.data.CanonicalShards.ShardFile;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Storage;
import java.util.List;
import java.util.Optional;

/** One shard's file and the first row that was not handed out yet. */
final class ShardCursor implements AutoCloseable {
  private final String directory;
  private final String path;
  private final TokenizedRowFiles.Reader reader;
  private Optional<PlacedRow> ahead;

  /** Opens a file at the first row of a step or of a later one. */
  ShardCursor(Storage storage, String directory, ShardFile file, long fromStep) {
    this.directory = directory;
    this.path = Storage.join(directory, file.name());
    long rows = TokenizedRowFiles.rows(storage, path);
    if (rows != file.rows()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          path
              + " holds "
              + rows
              + " rows where the manifest says "
              + file.rows()
              + "; delete "
              + directory
              + " and run again");
    }
    this.reader = TokenizedRowFiles.readerFromStep(storage, path, fromStep);
    try {
      this.ahead = reader.nextPlaced();
    } catch (RuntimeException e) {
      reader.close();
      throw e;
    }
  }

  /**
   * Adds the rows of a step, which must not be before one that was asked for.
   *
   * @param firstSlot of those that are wanted
   * @param endSlot behind the last of them
   */
  void take(long step, int firstSlot, int endSlot, List<TokenizedRow> rows) {
    while (ahead.isPresent() && ahead.get().step() <= step) {
      if (ahead.get().step() < step) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA,
            path + " is not in the order of its steps; delete " + directory + " and run again");
      }
      if (ahead.get().slot() >= firstSlot && ahead.get().slot() < endSlot) {
        rows.add(ahead.get().row());
      }
      ahead = reader.nextPlaced();
    }
  }

  @Override
  public void close() {
    reader.close();
  }
}
