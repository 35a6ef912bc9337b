package io.plumbline.spark.prepare;

import io.plumbline.base.Sha256;
import io.plumbline.data.Packing;
import io.plumbline.data.TokenizedRow;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.Function2;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;
import scala.Tuple2;

/**
 * Prepared rows, and what is made of them before a run: packed rows, a split, rows with another's
 * completion. Immutable. What a derived set holds follows from the rows and the parameters alone,
 * not from Spark's partitions or the cluster, and so does its fingerprint.
 *
 * <p>Rows are read anew from their files whenever Spark needs them, and nothing is kept in memory.
 * {@link #packed} and {@link #split} read the rows of their parent once, to count; sets that need a
 * shuffle keep what it wrote, so that their second use does not repeat it. Persist {@link #rows()}
 * where reading is slow and a set is used often, and unpersist it after the last use.
 */
public final class RowSet {
  /** A prompt of fewer tokens is the first token of a whole text, or nothing. */
  static final int SHORTEST_PROMPT = 2;

  private static final String FORMAT = "plumbline.rowset.1";
  private static final int BUCKET_BITS = 16;
  private static final int HASH_BITS = 63;
  private static final int TRAIN = 0;
  private static final int HELD = 1;

  /** By partition, and within each, the rows stand in the order of their indexes. */
  private final JavaRDD<TokenizedRow> rows;

  private final List<Long> sourceCounts;
  private final String fingerprint;

  private RowSet(JavaRDD<TokenizedRow> rows, List<Long> sourceCounts, String fingerprint) {
    this.rows = rows;
    this.sourceCounts = List.copyOf(sourceCounts);
    this.fingerprint = fingerprint;
  }

  /**
   * A set in two parts.
   *
   * @param train to learn from
   * @param held to evaluate on
   */
  public record Split(RowSet train, RowSet held) {}

  /** All rows that were prepared. */
  public static RowSet of(SparkSession spark, Prepared prepared) {
    return new RowSet(prepared.rows(spark), prepared.sourceCounts(), prepared.fingerprint());
  }

  /** The rows with indexes from 0, in their order. */
  public JavaRDD<TokenizedRow> rows() {
    return rows;
  }

  public long count() {
    return sourceCounts.stream().mapToLong(Long::longValue).sum();
  }

  /** Equal for sets that were made of equal rows by the same steps. */
  public String fingerprint() {
    return fingerprint;
  }

  /**
   * Rows of each path that was prepared, in order. Those of a path have contiguous indexes, after
   * those of the paths before it.
   */
  public List<Long> sourceCounts() {
    return sourceCounts;
  }

  /** Texts of fixed form: what is made of them is kept with a run, to compare it when resumed. */
  private String derived(String... operation) {
    List<String> parts = new ArrayList<>(List.of(FORMAT, fingerprint));
    parts.addAll(List.of(operation));
    return Sha256.hex(String.join("\n", parts));
  }

  private SourceRows sources() {
    return SourceRows.of(sourceCounts);
  }

  /**
   * Rows packed by {@link Packing#bestFitDecreasing}, so that few places of a batch stay empty. The
   * rows of each path are packed in windows of 4096 by themselves, in their order.
   *
   * <p>Fails with BAD_DATA where a row is longer than {@code maxTokens} once Spark comes to it,
   * which is here.
   *
   * @param maxTokens tokens of a packed row at most
   */
  public RowSet packed(int maxTokens) {
    if (maxTokens < 2) {
      throw new PlumblineException(
          ErrorCode.BAD_USAGE,
          "--max-length "
              + maxTokens
              + " is no length to pack rows to; give the tokens of a packed row, at least 2");
    }
    SourceRows sources = sources();
    PackingWindows windows = PackingWindows.of(sourceCounts);
    int partitions = (int) Math.max(1, Math.min(rows.getNumPartitions(), windows.count()));
    JavaRDD<PackingWindows.FromSource> packed =
        rows.mapToPair(row -> new Tuple2<>(row.index(), RowBytes.write(row)))
            .repartitionAndSortWithinPartitions(
                new PackingWindows.ByWindow(sources, windows, partitions))
            .mapPartitions(
                sorted -> new PackingWindows.Packer(sorted, sources, windows, maxTokens));
    Counts counts =
        new Counts(
            Jobs.run(
                () ->
                    packed
                        .mapPartitions(
                            partition -> {
                              long[][] counted = new long[1][sources.count()];
                              partition.forEachRemaining(bin -> counted[0][bin.source()]++);
                              return Collections.singletonList(counted).iterator();
                            })
                        .collect()));
    return numbered(
        packed.map(PackingWindows.FromSource::row),
        counts,
        0,
        derived("packed", Integer.toString(maxTokens), Integer.toString(PackingWindows.ROWS)));
  }

  /**
   * Parts the set by a hash of the seed and each row's prompt. Rows with the same prompt fall on
   * the same side, so at least as many rows are held out as are asked for, and no more than the
   * last of the prompts has. A row without a prompt, or with one of a single token as a whole text
   * has, is parted by all its tokens.
   *
   * <p>Fails with BAD_DATA where nothing would be left on a side.
   */
  public Split split(EvalSplit split, long seed) {
    long wanted = split.of(count());
    SourceRows sources = sources();
    // The rows are read once for all that decides the split.
    JavaRDD<Hashes> hashes =
        rows.mapPartitions(partition -> List.of(Hashes.of(partition, seed, sources)).iterator())
            .persist(StorageLevel.MEMORY_AND_DISK());
    long last;
    Counts counts;
    try {
      last = threshold(hashes, wanted);
      counts =
          new Counts(
              Jobs.run(
                  () -> hashes.map(partition -> partition.sides(last, sources.count())).collect()));
    } finally {
      hashes.unpersist();
    }
    if (counts.total(TRAIN) == 0) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "Rows with the same prompt are held out together, and so --eval-split "
              + split.number()
              + " of "
              + count()
              + " rows leaves none to train on; give --eval-data instead");
    }
    return new Split(
        numbered(
            rows.filter(row -> promptHash(seed, row) > last),
            counts,
            TRAIN,
            derived("split train", split.number(), Long.toString(seed))),
        numbered(
            rows.filter(row -> promptHash(seed, row) <= last),
            counts,
            HELD,
            derived("split held", split.number(), Long.toString(seed))));
  }

  /** The hash of the prompt that is the last to be held out, so that it makes so many rows. */
  private static long threshold(JavaRDD<Hashes> hashes, long wanted) {
    int shift = HASH_BITS - BUCKET_BITS;
    long[] buckets =
        Jobs.run(
            () ->
                hashes
                    .map(
                        partition -> {
                          long[] counted = new long[1 << BUCKET_BITS];
                          for (long hash : partition.hashes()) {
                            counted[(int) (hash >>> shift)]++;
                          }
                          return counted;
                        })
                    .treeReduce(RowSet::sum));
    int bucket = 0;
    long before = 0;
    while (before + buckets[bucket] < wanted) {
      before += buckets[bucket++];
    }
    int chosen = bucket;
    int within = Math.toIntExact(wanted - before);
    List<Long> ordered =
        Jobs.run(
            () ->
                hashes
                    .flatMap(
                        partition ->
                            Arrays.stream(partition.hashes())
                                .filter(hash -> hash >>> shift == chosen)
                                .boxed()
                                .iterator())
                    .takeOrdered(within));
    return ordered.get(within - 1);
  }

  private static long[] sum(long[] a, long[] b) {
    long[] sum = a.clone();
    Arrays.setAll(sum, i -> sum[i] + b[i]);
    return sum;
  }

  /**
   * Rows for KTO's estimate of the KL (Ethayarajh et al., 2024, "KTO: Model Alignment as Prospect
   * Theoretic Optimization", section 4): each row has its own completion, and as a second one that
   * of the row half the set further on. TRL takes that of the row before in the batch; with half
   * the set between them the two come from other parts of the data, and what a row gets does not
   * depend on the batch.
   *
   * <p>Fails with BAD_DATA for fewer than two rows.
   *
   * @param maxLength tokens of the prompt and the second completion at most, which loses its end
   *     where it is longer; 0 for no limit
   */
  public RowSet withMismatchedCompletions(int maxLength) {
    long all = count();
    if (all < 2) {
      throw new PlumblineException(
          ErrorCode.BAD_DATA,
          "KTO compares each row with the completion of another, and there is "
              + (all == 1 ? "one row" : "no row")
              + "; give at least two");
    }
    long distance = Math.max(1, all / 2);
    int partitions = (int) Math.max(1, Math.min(rows.getNumPartitions(), all));
    JavaRDD<TokenizedRow> joined =
        rows.flatMapToPair(
                row -> {
                  long receiver = Math.floorMod(row.index() - distance, all);
                  return List.of(
                          new Tuple2<>(2 * row.index(), RowBytes.write(row)),
                          new Tuple2<>(2 * receiver + 1, RowBytes.write(row)))
                      .iterator();
                })
            .repartitionAndSortWithinPartitions(new ByPair(all, partitions))
            .mapPartitions(sorted -> new Mismatcher(sorted, maxLength));
    return new RowSet(joined, sourceCounts, derived("mismatched", Integer.toString(maxLength)));
  }

  /** Rows of a partition by side and source. */
  private record Counts(List<long[][]> byPartition) {
    long total(int side) {
      return byPartition.stream().flatMapToLong(counts -> Arrays.stream(counts[side])).sum();
    }

    List<Long> sourceCounts(int side) {
      long[] sums = new long[byPartition.get(0)[side].length];
      for (long[][] counts : byPartition) {
        Arrays.setAll(sums, source -> sums[source] + counts[side][source]);
      }
      return Arrays.stream(sums).boxed().toList();
    }

    /** How many rows of a side stand before each partition. */
    long[] before(int side) {
      long[] before = new long[byPartition.size()];
      for (int i = 1; i < before.length; i++) {
        before[i] = before[i - 1] + Arrays.stream(byPartition.get(i - 1)[side]).sum();
      }
      return before;
    }
  }

  /** One side's rows, numbered from 0 in their order. */
  private static RowSet numbered(
      JavaRDD<TokenizedRow> rows, Counts counts, int side, String fingerprint) {
    long[] before = counts.before(side);
    Function2<Integer, Iterator<TokenizedRow>, Iterator<TokenizedRow>> number =
        (partition, in) -> new Numbering(in, before[partition]);
    return new RowSet(
        rows.mapPartitionsWithIndex(number, true), counts.sourceCounts(side), fingerprint);
  }

  /** Of the rows of a partition, what decides their side. */
  private record Hashes(long[] hashes, int[] sources) implements Serializable {
    static Hashes of(Iterator<TokenizedRow> rows, long seed, SourceRows sources) {
      LongStream.Builder hashes = LongStream.builder();
      IntStream.Builder origins = IntStream.builder();
      rows.forEachRemaining(
          row -> {
            hashes.add(promptHash(seed, row));
            origins.add(sources.of(row.index()));
          });
      return new Hashes(hashes.build().toArray(), origins.build().toArray());
    }

    /** Rows by side and source. */
    long[][] sides(long last, int sourceCount) {
      long[][] counts = new long[2][sourceCount];
      for (int i = 0; i < hashes.length; i++) {
        counts[hashes[i] <= last ? HELD : TRAIN][sources[i]]++;
      }
      return counts;
    }
  }

  /** A number of a row's prompt, one for all rows that have it; from 0 to before 2⁶³. */
  static long promptHash(long seed, TokenizedRow row) {
    MessageDigest digest = Sha256.digest();
    digest.update(ByteBuffer.allocate(Long.BYTES).putLong(seed).flip());
    update(digest, row.prompt());
    if (row.prompt().length < SHORTEST_PROMPT) {
      row.completions().forEach(completion -> update(digest, completion));
    }
    return ByteBuffer.wrap(digest.digest()).getLong() >>> 1;
  }

  private static void update(MessageDigest digest, int[] ids) {
    ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES * (ids.length + 1)).putInt(ids.length);
    for (int id : ids) {
      bytes.putInt(id);
    }
    digest.update(bytes.flip());
  }

  /** Keys are twice an index, or one more. */
  private static final class ByPair extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final long rows;
    private final int partitions;

    private ByPair(long rows, int partitions) {
      this.rows = rows;
      this.partitions = partitions;
    }

    @Override
    public int numPartitions() {
      return partitions;
    }

    @Override
    public int getPartition(Object key) {
      return (int) ((Long) key / 2 * partitions / rows);
    }
  }

  /** Joins each row with the one that comes after it, whose completion it gets. */
  private static final class Mismatcher implements Iterator<TokenizedRow> {
    private final Iterator<Tuple2<Long, byte[]>> in;
    private final int maxLength;

    private Mismatcher(Iterator<Tuple2<Long, byte[]>> in, int maxLength) {
      this.in = in;
      this.maxLength = maxLength;
    }

    @Override
    public boolean hasNext() {
      return in.hasNext();
    }

    @Override
    public TokenizedRow next() {
      Tuple2<Long, byte[]> own = in.next();
      Tuple2<Long, byte[]> other = in.next();
      if (own._1() % 2 != 0 || other._1() != own._1() + 1) {
        throw new IllegalStateException(
            "keys " + own._1() + " and " + other._1() + " are not of one row");
      }
      return Mismatch.of(RowBytes.read(own._2()), RowBytes.read(other._2()), maxLength);
    }
  }

  /** Rows with indexes that continue from those of the partitions before. */
  private static final class Numbering implements Iterator<TokenizedRow> {
    private final Iterator<TokenizedRow> in;
    private long index;

    private Numbering(Iterator<TokenizedRow> in, long firstIndex) {
      this.in = in;
      this.index = firstIndex;
    }

    @Override
    public boolean hasNext() {
      return in.hasNext();
    }

    @Override
    public TokenizedRow next() {
      return in.next().withIndex(index++);
    }
  }
}
