package io.plumbline.data;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.plumbline.base.Sha256;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Manifest;
import io.plumbline.storage.Storage;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * The rows of a whole run in the order of its steps, written once and read by any number of ranks.
 *
 * <p>Step s trains on the rows in slots 0 to G-1 of that step, G the global batch size. Slots are
 * split over V shards, a Parquet file each, in step order: shard v holds the slots from v·G/V
 * (rounded down) to before (v+1)·G/V. Rank r of N reads the shards from r·V/N to before (r+1)·V/N.
 * So the rows of a step do not depend on N. An epoch starts with a new step; its last step may have
 * empty slots.
 *
 * <p>Where a {@link Mixture} weights sources, the n places of an epoch are numbered source after
 * source: those of source s, p(s) in all, come after those of the sources before it. The i-th of
 * them in epoch e is the source's k-th in the run, k = e·p(s) + i. With r(s) rows in the source, it
 * holds the row that stands at k mod r(s) in the order of round k / r(s), rounded down: the
 * input's, or one that is shuffled for the source and the round. Place number v then stands where
 * row v of the epoch would stand without a mixture.
 *
 * <p>A directory of shards holds {@code manifest.json} and the files that the manifest names, with
 * the columns that {@link TokenizedRowFiles} describes; other files in it are leftovers of attempts
 * that failed. It is complete only with the manifest, which is written last:
 *
 * <pre>
 * {
 *   "format": "plumbline.shards", "version": 1,
 *   "fingerprint": hex SHA-256 of all that decides order and content,
 *   "plan": {"globalBatchSize", "shards", "steps", "rows", "stepsPerEpoch", "seed"},
 *   "order": "INPUT" or "SHUFFLED",
 *   "mixture": {"rows": […], "weights": […]}   by source; only where sources are weighted
 *   "files": [{"name", "rows"}, …]   by shard
 * }
 * </pre>
 */
public final class CanonicalShards {
  private static final Manifest<Fields> MANIFEST =
      new Manifest<>("plumbline.shards", 1, Fields.class, "canonical shards", "");

  private static final int MOST_SHARDS_BY_DEFAULT = 64;

  /**
   * @param globalBatchSize G, rows a step
   * @param shards V, at most G
   * @param steps steps of the whole run
   * @param rows rows of one epoch
   * @param stepsPerEpoch ⌈rows / G⌉
   */
  public record Plan(
      int globalBatchSize, int shards, long steps, long rows, long stepsPerEpoch, long seed)
      implements Serializable {
    public Plan {
      if (globalBatchSize < 1) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            "The global batch size is " + globalBatchSize + "; it must be at least 1");
      }
      if (shards < 1 || shards > globalBatchSize) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE,
            shards
                + " canonical shards do not fit a global batch size of "
                + globalBatchSize
                + "; take between 1 and as many as the batch has rows");
      }
      if (rows < 1) {
        throw new PlumblineException(
            ErrorCode.BAD_DATA, "There are no rows to train on; give data with at least one row");
      }
      if (steps < 1) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE, "The run has " + steps + " steps; it must have at least one");
      }
      if (stepsPerEpoch != ceilDiv(rows, globalBatchSize)) {
        throw new IllegalArgumentException(
            stepsPerEpoch + " steps an epoch of " + rows + " rows by " + globalBatchSize);
      }
    }

    /** A plan of so many steps, over as many epochs as that takes. */
    public static Plan forSteps(int globalBatchSize, long rows, long steps, long seed) {
      return new Plan(
          globalBatchSize,
          Math.max(1, Math.min(globalBatchSize, MOST_SHARDS_BY_DEFAULT)),
          steps,
          rows,
          ceilDiv(rows, Math.max(1, globalBatchSize)),
          seed);
    }

    /** A plan of so many epochs, a part of one rounded up to whole steps. */
    public static Plan forEpochs(int globalBatchSize, long rows, double epochs, long seed) {
      if (!(epochs > 0) || Double.isInfinite(epochs)) {
        throw new PlumblineException(
            ErrorCode.BAD_USAGE, epochs + " epochs cannot be run; give a number above 0");
      }
      long stepsPerEpoch = ceilDiv(rows, Math.max(1, globalBatchSize));
      return forSteps(globalBatchSize, rows, (long) Math.ceil(epochs * stepsPerEpoch), seed);
    }

    /** The shard that holds a slot: the first slot of shard v is ⌊v·G/V⌋. */
    public int shardOf(int slot) {
      // The last v with v·G/V, rounded down, at most the slot.
      return (int) ((((long) slot + 1) * shards - 1) / globalBatchSize);
    }

    /** Epochs that the steps begin, the last of them perhaps not to its end. */
    public long epochs() {
      return ceilDiv(steps, stepsPerEpoch);
    }
  }

  /** In which order an epoch visits the rows. */
  public enum Order {
    /** As in the input, each epoch the same. */
    INPUT,
    /** Shuffled by the plan's seed, each epoch anew. */
    SHUFFLED
  }

  /**
   * A written shard.
   *
   * @param name file name within the directory
   */
  public record ShardFile(String name, long rows) implements Serializable {}

  /** What the manifest says. */
  private record Fields(
      String fingerprint,
      Plan plan,
      Order order,
      @JsonInclude(JsonInclude.Include.NON_NULL) Mixture mixture,
      List<ShardFile> files) {}

  /** Writes one shard's rows, which must come by step and slot. */
  public static final class ShardWriter implements AutoCloseable {
    private final Plan plan;
    private final int shard;
    private final String name;
    private final TokenizedRowFiles.Writer writer;
    private long last = -1;

    private ShardWriter(Storage storage, String directory, Plan plan, int shard, String attempt) {
      this.plan = plan;
      this.shard = shard;
      this.name = String.format("shard-%05d-%s.parquet", shard, attempt);
      this.writer = TokenizedRowFiles.writer(storage, Storage.join(directory, name));
    }

    public void write(PlacedRow placed) {
      long place = placed.step() * plan.globalBatchSize() + placed.slot();
      if (place <= last || plan.shardOf(placed.slot()) != shard) {
        throw new IllegalArgumentException(
            "step " + placed.step() + " slot " + placed.slot() + " is out of order in " + name);
      }
      last = place;
      writer.write(placed);
    }

    /** What the manifest is to say of this file, once it is closed. */
    public ShardFile file() {
      return new ShardFile(name, writer.rows());
    }

    @Override
    public void close() {
      writer.close();
    }
  }

  /** Reads one rank's rows, step after step. */
  public interface StepReader extends AutoCloseable {
    /**
     * The rows of the next step that belong to this rank, by slot; may be empty. Fails with
     * NoSuchElementException after the plan's last step.
     */
    List<TokenizedRow> next();

    @Override
    void close();
  }

  private static long ceilDiv(long dividend, long divisor) {
    return -Math.floorDiv(-dividend, divisor);
  }

  private final Storage storage;
  private final String directory;
  private final Fields manifest;

  private CanonicalShards(Storage storage, String directory, Fields manifest) {
    this.storage = storage;
    this.directory = directory;
    this.manifest = manifest;
  }

  /** Opens shards that were written completely. */
  public static CanonicalShards open(Storage storage, String directory) {
    Fields manifest =
        MANIFEST.open(storage, directory, "run prepare, or the training command, again");
    if (manifest.plan() == null
        || manifest.files() == null
        || manifest.files().size() != manifest.plan().shards()) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          Storage.join(directory, Manifest.FILE)
              + " does not name a file for each shard; delete "
              + directory
              + " and run again");
    }
    return new CanonicalShards(storage, directory, manifest);
  }

  /** The complete shards of a directory if they have this fingerprint. */
  public static Optional<CanonicalShards> find(
      Storage storage, String directory, String fingerprint) {
    if (!Manifest.isIn(storage, directory)) {
      return Optional.empty();
    }
    CanonicalShards shards = open(storage, directory);
    return shards.fingerprint().equals(fingerprint) ? Optional.of(shards) : Optional.empty();
  }

  /**
   * Begins the file of one shard.
   *
   * @param attempt letters and digits that no other attempt at this shard has, so that two attempts
   *     never write to one file
   */
  public static ShardWriter shardWriter(
      Storage storage, String directory, Plan plan, int shard, String attempt) {
    return new ShardWriter(storage, directory, plan, shard, attempt);
  }

  /**
   * Completes a directory: checks that the files hold exactly the plan's rows, writes the manifest
   * and removes the files that it does not name.
   *
   * @param mixture by which the rows were placed
   * @param content the fingerprint of the rows with all that was added to them
   * @param files one for each shard, in order
   */
  public static CanonicalShards commit(
      Storage storage,
      String directory,
      Plan plan,
      Order order,
      Optional<Mixture> mixture,
      String content,
      List<ShardFile> files) {
    long expected = 0;
    long wholeEpochs = plan.steps() / plan.stepsPerEpoch();
    expected += wholeEpochs * plan.rows();
    expected +=
        Math.min(plan.rows(), plan.steps() % plan.stepsPerEpoch() * (long) plan.globalBatchSize());
    long written = files.stream().mapToLong(ShardFile::rows).sum();
    if (files.size() != plan.shards() || written != expected) {
      throw new PlumblineException(
          ErrorCode.INTERNAL,
          "The canonical shards in "
              + directory
              + " came out as "
              + files.size()
              + " files with "
              + written
              + " rows where the plan has "
              + plan.shards()
              + " with "
              + expected
              + "; the rows changed while they were read, so run again");
    }
    String fingerprint = fingerprint(plan, order, mixture, content);
    MANIFEST.write(
        storage,
        directory,
        new Fields(fingerprint, plan, order, mixture.orElse(null), List.copyOf(files)));
    List<String> kept = files.stream().map(ShardFile::name).toList();
    for (Storage.Entry entry : storage.list(directory)) {
      String name = entry.name();
      if (name.startsWith("shard-") && !kept.contains(name)) {
        storage.delete(entry.path());
      }
    }
    return open(storage, directory);
  }

  /**
   * Hex SHA-256 over all that decides which rows stand where: the format, the plan, the order, the
   * mixture if there is one, and the fingerprint of the content.
   */
  public static String fingerprint(
      Plan plan, Order order, Optional<Mixture> mixture, String content) {
    String mixed = mixture.map(m -> "mixture " + m.rows() + " " + m.weights() + "\n").orElse("");
    String all =
        String.join(
            "\n",
            MANIFEST.format(),
            Integer.toString(MANIFEST.version()),
            Integer.toString(plan.globalBatchSize()),
            Integer.toString(plan.shards()),
            Long.toString(plan.steps()),
            Long.toString(plan.rows()),
            // Without a shuffle the seed changes nothing.
            order == Order.SHUFFLED ? Long.toString(plan.seed()) : "-",
            order.name(),
            mixed + content);
    return Sha256.hex(all);
  }

  public Plan plan() {
    return manifest.plan();
  }

  public Order order() {
    return manifest.order();
  }

  /** By which the rows were placed; empty where every row stands once in an epoch. */
  public Optional<Mixture> mixture() {
    return Optional.ofNullable(manifest.mixture());
  }

  /** Equal exactly for shards with the same rows in the same places. */
  public String fingerprint() {
    return manifest.fingerprint();
  }

  /**
   * A reader whose first {@link StepReader#next} gives the rows of {@code fromStep}, counted from
   * 0. Ranks share the shards, or, where they are more, the slots: then several read one shard.
   * Fails with CLUSTER_UNFIT where there are more ranks than slots.
   */
  public StepReader reader(int rank, int worldSize, long fromStep) {
    int shards = plan().shards();
    int slots = plan().globalBatchSize();
    if (worldSize > slots) {
      throw new PlumblineException(
          ErrorCode.CLUSTER_UNFIT,
          worldSize
              + " ranks cannot share a global batch of "
              + slots
              + " rows; take at most "
              + slots
              + " ranks, or a global batch size of at least "
              + worldSize);
    }
    if (rank < 0 || rank >= worldSize || fromStep < 0 || fromStep > plan().steps()) {
      throw new IllegalArgumentException(
          "rank " + rank + " of " + worldSize + " from step " + fromStep);
    }
    if (worldSize <= shards) {
      int first = (int) ((long) rank * shards / worldSize);
      int end = (int) ((rank + 1L) * shards / worldSize);
      return new RankReader(first, end, 0, slots, fromStep);
    }
    int firstSlot = (int) ((long) rank * slots / worldSize);
    int endSlot = (int) ((rank + 1L) * slots / worldSize);
    return new RankReader(
        plan().shardOf(firstSlot), plan().shardOf(endSlot - 1) + 1, firstSlot, endSlot, fromStep);
  }

  private final class RankReader implements StepReader {
    private final List<ShardCursor> cursors = new ArrayList<>();
    private final int firstSlot;
    private final int endSlot;
    private long step;

    private RankReader(int firstShard, int endShard, int firstSlot, int endSlot, long fromStep) {
      this.firstSlot = firstSlot;
      this.endSlot = endSlot;
      this.step = fromStep;
      try {
        for (int shard = firstShard; shard < endShard; shard++) {
          cursors.add(new ShardCursor(storage, directory, manifest.files().get(shard), fromStep));
        }
      } catch (RuntimeException e) {
        close();
        throw e;
      }
    }

    @Override
    public List<TokenizedRow> next() {
      if (step >= plan().steps()) {
        throw new NoSuchElementException("the run has " + plan().steps() + " steps");
      }
      List<TokenizedRow> rows = new ArrayList<>();
      for (ShardCursor cursor : cursors) {
        cursor.take(step, firstSlot, endSlot, rows);
      }
      step++;
      return rows;
    }

    @Override
    public void close() {
      RuntimeException failure = null;
      for (ShardCursor cursor : cursors) {
        try {
          cursor.close();
        } catch (RuntimeException e) {
          if (failure == null) {
            failure = e;
          } else {
            failure.addSuppressed(e);
          }
        }
      }
      if (failure != null) {
        throw failure;
      }
    }
  }
}
