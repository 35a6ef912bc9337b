package io.plumbline.data;

import io.plumbline.storage.Storage;
import java.util.List;

/**
 * The rows of a whole run in the order of its steps, written once and read by any number of ranks.
 *
 * <p>Step s trains on the rows in slots 0 to G-1 of that step, G the global batch size. Slots are
 * split over V shards, a Parquet file each, in step order: shard v holds the slots from v·G/V
 * (rounded down) to before (v+1)·G/V. Rank r of N reads the shards from r·V/N to before (r+1)·V/N.
 * So the rows of a step do not depend on N. An epoch starts with a new step; its last step may have
 * empty slots.
 */
public final class CanonicalShards {
  /**
   * @param globalBatchSize G, rows a step
   * @param shards V, at most G
   * @param steps steps of the whole run
   * @param rows rows of one epoch
   * @param stepsPerEpoch ⌈rows / G⌉
   */
  public record Plan(
      int globalBatchSize, int shards, long steps, long rows, long stepsPerEpoch, long seed) {}

  /** Reads one rank's rows, step after step. */
  public interface StepReader extends AutoCloseable {
    /** The rows of the next step that belong to this rank, by slot; may be empty. */
    List<TokenizedRow> next();

    @Override
    void close();
  }

  private CanonicalShards() {}

  /** Opens shards that were written completely. */
  public static CanonicalShards open(Storage storage, String directory) {
    throw new UnsupportedOperationException();
  }

  public Plan plan() {
    throw new UnsupportedOperationException();
  }

  /**
   * A reader whose first {@link StepReader#next} gives the rows of {@code fromStep}, counted from
   * 0.
   */
  public StepReader reader(int rank, int worldSize, long fromStep) {
    throw new UnsupportedOperationException();
  }
}
