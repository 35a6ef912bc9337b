package io.plumbline.rollout.ledger;

import io.plumbline.parquet.Cells;
import io.plumbline.storage.Storage;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/** Reads a ledger from its first step to its last, one row at a time. */
public final class LedgerReader implements AutoCloseable {
  private final Storage storage;
  private final Iterator<String> files;
  private final Optional<Set<String>> columns;
  private Optional<LedgerFile.Reader> open = Optional.empty();

  private LedgerReader(LedgerDirectory directory, long fromStep, Optional<Set<String>> columns) {
    this.storage = directory.storage();
    this.files = directory.files().tailMap(fromStep).values().iterator();
    this.columns = columns;
  }

  /**
   * The rows of the phases whose first step is {@code fromStep} or a later one, in the order of
   * steps, slots and samples.
   */
  public static LedgerReader fromStep(Storage storage, String directory, long fromStep) {
    return new LedgerReader(new LedgerDirectory(storage, directory), fromStep, Optional.empty());
  }

  /** Some columns of all rows. */
  static LedgerReader of(Storage storage, String directory, Set<String> columns) {
    return new LedgerReader(
        new LedgerDirectory(storage, directory), Long.MIN_VALUE, Optional.of(columns));
  }

  /** The next row; empty at the end. */
  public Optional<LedgerRow> next() {
    return next(LedgerFile.Reader::next);
  }

  /** The next row's cells, good until the call after; empty at the end. */
  Optional<Cells> nextCells() {
    return next(LedgerFile.Reader::nextCells);
  }

  private <T> Optional<T> next(Function<LedgerFile.Reader, Optional<T>> read) {
    while (true) {
      if (open.isEmpty()) {
        if (!files.hasNext()) {
          return Optional.empty();
        }
        open = Optional.of(LedgerFile.reader(storage, files.next(), columns));
      }
      Optional<T> row = read.apply(open.get());
      if (row.isPresent()) {
        return row;
      }
      close();
    }
  }

  @Override
  public void close() {
    open.ifPresent(LedgerFile.Reader::close);
    open = Optional.empty();
  }
}
