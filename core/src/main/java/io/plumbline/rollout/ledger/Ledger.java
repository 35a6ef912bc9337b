package io.plumbline.rollout.ledger;

import io.plumbline.collective.Collective;
import io.plumbline.storage.Storage;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.PriorityQueue;

/**
 * Every rollout of a run, a Parquet file a rollout phase: {@code step-00000012.parquet} for the
 * phase whose first step is 12. Spark reads the directory as one table.
 *
 * <p>A file is there whole or not at all. Its rows are in the order of slots and samples, and the
 * same for every world size but for the column {@code rank}.
 */
public final class Ledger {
  /** A slot that was refilled holds several prompts. */
  private static final Comparator<LedgerRow> ORDER =
      Comparator.comparingInt(LedgerRow::slot)
          .thenComparingLong(LedgerRow::promptIndex)
          .thenComparingInt(LedgerRow::sample);

  private final LedgerDirectory directory;

  private Ledger(LedgerDirectory directory) {
    this.directory = directory;
  }

  /** The ledger in a directory, which need not be there yet. */
  public static Ledger in(Storage storage, String directory) {
    return new Ledger(new LedgerDirectory(storage, directory));
  }

  /**
   * Writes the rollouts of a phase, in place of any that are there for the step. Every rank calls
   * it with its own rows, which may be none; it returns when the file is there.
   *
   * <p>Ranks leave their parts in {@code _parts/}, and rank 0 merges them, holding a row of each
   * and the compressed file.
   *
   * @param step the first step that trains on the rollouts
   * @param rows in any order
   * @throws io.plumbline.error.PlumblineException STORAGE_FAILED or GANG_BROKEN
   */
  public void write(long step, List<LedgerRow> rows, Collective collective) {
    for (LedgerRow row : rows) {
      if (row.step() != step || row.rank() != collective.rank()) {
        throw new IllegalArgumentException(
            "a row of step %d and rank %d does not belong to step %d and rank %d"
                .formatted(row.step(), row.rank(), step, collective.rank()));
      }
    }
    Iterator<LedgerRow> ordered = rows.stream().sorted(ORDER).iterator();
    if (collective.worldSize() == 1) {
      publish(directory.file(step), ordered);
      return;
    }
    publish(directory.part(step, collective.rank()), ordered);
    collective.barrier();
    if (collective.rank() == 0) {
      try (Merge merge = new Merge(step, collective.worldSize())) {
        publish(directory.file(step), merge);
      }
      directory.storage().delete(directory.parts(step));
    }
    collective.barrier();
  }

  private void publish(String path, Iterator<LedgerRow> rows) {
    directory.storage().writeBytes(path, LedgerFile.encode(rows));
  }

  /**
   * Deletes what a run that resumes from a training state will write again: the files of later
   * steps, and what writers that died have left. One caller, before any rank writes.
   */
  public void truncateAfter(long step) {
    directory.files().tailMap(step + 1).values().forEach(directory.storage()::delete);
    directory.unfinished().forEach(directory.storage()::delete);
    directory.storage().delete(directory.parts());
  }

  /** The first steps of the phases that are there, ascending. */
  public List<Long> steps() {
    return List.copyOf(directory.files().keySet());
  }

  /** The parts of all ranks, read together in the order of their rows. */
  private final class Merge implements Iterator<LedgerRow>, AutoCloseable {
    private record Head(LedgerRow row, int rank) {}

    private final LedgerFile.Reader[] parts;
    private final PriorityQueue<Head> heads =
        new PriorityQueue<>(Comparator.comparing(Head::row, ORDER).thenComparing(Head::rank));

    private Merge(long step, int worldSize) {
      parts = new LedgerFile.Reader[worldSize];
      try {
        for (int rank = 0; rank < worldSize; rank++) {
          parts[rank] =
              LedgerFile.reader(directory.storage(), directory.part(step, rank), Optional.empty());
          advance(rank);
        }
      } catch (RuntimeException e) {
        close();
        throw e;
      }
    }

    private void advance(int rank) {
      parts[rank].next().ifPresent(row -> heads.add(new Head(row, rank)));
    }

    @Override
    public boolean hasNext() {
      return !heads.isEmpty();
    }

    @Override
    public LedgerRow next() {
      if (heads.isEmpty()) {
        throw new NoSuchElementException();
      }
      Head head = heads.remove();
      advance(head.rank());
      return head.row();
    }

    @Override
    public void close() {
      for (LedgerFile.Reader part : parts) {
        if (part != null) {
          part.close();
        }
      }
    }
  }
}
