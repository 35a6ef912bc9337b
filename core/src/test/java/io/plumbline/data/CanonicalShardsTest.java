package io.plumbline.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.plumbline.Records;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.ShardFile;
import io.plumbline.data.CanonicalShards.ShardWriter;
import io.plumbline.data.CanonicalShards.StepReader;
import io.plumbline.error.ErrorCode;
import io.plumbline.error.PlumblineException;
import io.plumbline.storage.Manifest;
import io.plumbline.storage.Storage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class CanonicalShardsTest {
  private final Storage storage = Storage.local();

  /** Writes shards without Spark: row i stands for index i. */
  private CanonicalShards write(Path directory, Plan plan, Order order) {
    Placement placement = new Placement(plan, order, Optional.empty());
    TreeMap<Long, Long> places = new TreeMap<>();
    for (long row = 0; row < plan.rows(); row++) {
      long index = row;
      placement.places(index, place -> assertThat(places.put(place, index)).isNull());
    }
    List<ShardFile> files = new ArrayList<>();
    for (int shard = 0; shard < plan.shards(); shard++) {
      try (ShardWriter writer =
          CanonicalShards.shardWriter(storage, directory.toString(), plan, shard, "a1")) {
        for (var entry : places.entrySet()) {
          int slot = (int) (entry.getKey() % plan.globalBatchSize());
          if (plan.shardOf(slot) == shard) {
            writer.write(
                new PlacedRow(
                    entry.getKey() / plan.globalBatchSize(),
                    slot,
                    Rows.numbered(entry.getValue())));
          }
        }
        files.add(writer.file());
      }
    }
    return CanonicalShards.commit(
        storage, directory.toString(), plan, order, Optional.empty(), "content", files);
  }

  @Property(tries = 12)
  void everyWorldSizeReadsTheSameRowsInTheSameSteps(
      @ForAll @IntRange(min = 1, max = 12) int batch,
      @ForAll @IntRange(min = 1, max = 12) int shards,
      @ForAll @IntRange(min = 1, max = 12) int ranks,
      @ForAll @IntRange(min = 1, max = 40) int rows,
      @ForAll @IntRange(min = 1, max = 12) int steps,
      @ForAll @IntRange(min = 0, max = 12) int start,
      @ForAll long seed,
      @ForAll Order order)
      throws IOException {
    Plan plan =
        Records.with(Plan.forSteps(batch, rows, steps, seed), "shards", Math.min(shards, batch));
    int from = Math.min(start, steps);
    Path directory = Files.createTempDirectory("shards");
    try {
      CanonicalShards written = write(directory, plan, order);
      assertThat(CanonicalShards.open(storage, directory.toString()).plan()).isEqualTo(plan);
      List<List<Long>> expected = expected(plan, order);
      // Up to as many ranks as a step has rows, though shards are fewer.
      for (int world : new TreeSet<>(List.of(1, Math.min(ranks, batch), plan.shards(), batch))) {
        List<List<Long>> actual = new ArrayList<>();
        for (int step = from; step < steps; step++) {
          actual.add(new ArrayList<>());
        }
        for (int rank = 0; rank < world; rank++) {
          try (StepReader reader = written.reader(rank, world, from)) {
            for (List<Long> step : actual) {
              reader.next().forEach(row -> step.add(row.index()));
            }
            assertThatThrownBy(reader::next).isInstanceOf(NoSuchElementException.class);
          }
        }
        // Ranks in order hold slots in order: their rows, one after the other, are the step.
        assertThat(actual).as("world size %d", world).isEqualTo(expected.subList(from, steps));
      }
    } finally {
      try (var files = Files.walk(directory)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  /** The definition, said in another way than the code does: the epoch's order, cut into steps. */
  private static List<List<Long>> expected(Plan plan, Order order) {
    List<List<Long>> steps = new ArrayList<>();
    for (long epoch = 0; steps.size() < plan.steps(); epoch++) {
      EpochOrder epochOrder =
          order == Order.INPUT
              ? EpochOrder.ofInput(plan.rows())
              : EpochOrder.shuffled(plan.rows(), plan.seed(), epoch);
      Long[] ordered = new Long[(int) plan.rows()];
      for (long row = 0; row < plan.rows(); row++) {
        ordered[(int) epochOrder.position(row)] = row;
      }
      List<Long> all = Arrays.asList(ordered);
      for (int at = 0;
          at < all.size() && steps.size() < plan.steps();
          at += plan.globalBatchSize()) {
        steps.add(all.subList(at, Math.min(all.size(), at + plan.globalBatchSize())));
      }
    }
    return steps;
  }

  @Property(tries = 300)
  void anEpochVisitsEveryRowOnce(
      @ForAll @LongRange(min = 1, max = 3000) long rows,
      @ForAll long seed,
      @ForAll @LongRange(min = 0, max = 1000) long epoch) {
    EpochOrder order = EpochOrder.shuffled(rows, seed, epoch);
    BitSet seen = new BitSet();
    for (long row = 0; row < rows; row++) {
      seen.set((int) order.position(row));
    }
    assertThat(seen.cardinality()).isEqualTo((int) rows);
    assertThat(seen.length()).isEqualTo((int) rows);
  }

  @Example
  void everyPlaceIsEquallyLikelyForEveryRow() {
    // Few rows are the hard case for a shuffle that is computed row by row.
    for (int rows : new int[] {2, 3, 5, 8}) {
      int epochs = 20_000;
      int[][] counts = new int[rows][rows];
      for (int epoch = 0; epoch < epochs; epoch++) {
        EpochOrder order = EpochOrder.shuffled(rows, 42, epoch);
        for (int row = 0; row < rows; row++) {
          counts[row][(int) order.position(row)]++;
        }
      }
      double share = (double) epochs / rows;
      for (int[] ofRow : counts) {
        for (int count : ofRow) {
          // Six standard deviations of a binomial.
          assertThat(Math.abs(count - share)).as("%d rows", rows).isLessThan(6 * Math.sqrt(share));
        }
      }
    }
  }

  @Example
  void theShuffleIsThatOfItsFormat() {
    // Computed apart, by a Python program written from the description in EpochOrder.
    long[] order = new long[10];
    EpochOrder epoch = EpochOrder.shuffled(10, 7, 1);
    for (int row = 0; row < 10; row++) {
      order[row] = epoch.position(row);
    }
    assertThat(order).containsExactly(9, 3, 8, 6, 2, 7, 5, 4, 0, 1);
    EpochOrder source = EpochOrder.ofSource(10, 7, 1, 2);
    for (int row = 0; row < 10; row++) {
      order[row] = source.position(row);
    }
    assertThat(order).containsExactly(5, 9, 7, 1, 3, 4, 6, 8, 2, 0);
  }

  @Property(tries = 500)
  void slotsBelongToTheShardThatTheDefinitionSays(
      @ForAll @IntRange(min = 1, max = 5000) int batch,
      @ForAll @IntRange(min = 1, max = 5000) int v) {
    Plan plan = Records.with(Plan.forSteps(batch, 1, 1, 0), "shards", Math.min(v, batch));
    for (int shard = 0; shard < plan.shards(); shard++) {
      int first = (int) ((long) shard * batch / plan.shards());
      int end = (int) ((long) (shard + 1) * batch / plan.shards());
      assertThat(first).isLessThan(end);
      assertThat(plan.shardOf(first)).isEqualTo(shard);
      assertThat(plan.shardOf(end - 1)).isEqualTo(shard);
    }
  }

  @Example
  void fractionsOfEpochsAreRoundedUpToSteps() {
    assertThat(Plan.forEpochs(8, 20, 1, 0).steps()).isEqualTo(3);
    assertThat(Plan.forEpochs(8, 20, 1.5, 0).steps()).isEqualTo(5);
    assertThat(Plan.forEpochs(8, 20, 0.01, 0).steps()).isEqualTo(1);
    assertThat(Plan.forEpochs(200, 20, 3, 0).shards()).isEqualTo(64);
    assertThatThrownBy(() -> Plan.forEpochs(8, 20, 0, 0)).hasMessageContaining("epochs");
    assertThatThrownBy(() -> Plan.forSteps(0, 20, 1, 0)).hasMessageContaining("batch size");
    assertThatThrownBy(() -> Records.with(Plan.forSteps(8, 20, 1, 0), "shards", 9))
        .hasMessageContaining("do not fit");
  }

  @Example
  void shardsWithoutTheirManifestAreNotThere() throws IOException {
    Path directory = Files.createTempDirectory("shards");
    CanonicalShards shards = write(directory, Plan.forSteps(4, 10, 5, 1), Order.SHUFFLED);
    assertThatThrownBy(() -> shards.reader(0, 5, 0))
        .hasMessageContaining("at most 4 ranks")
        .extracting(e -> ((PlumblineException) e).code())
        .isEqualTo(ErrorCode.CLUSTER_UNFIT);
    Files.delete(directory.resolve(Manifest.FILE));
    assertThatThrownBy(() -> CanonicalShards.open(storage, directory.toString()))
        .hasMessageContaining("manifest.json is missing");
    assertThat(CanonicalShards.find(storage, directory.toString(), shards.fingerprint())).isEmpty();
  }

  @Example
  void leftoversOfOtherAttemptsAreRemovedAndLostRowsNoticed() throws IOException {
    Path directory = Files.createTempDirectory("shards");
    Path leftover = directory.resolve("shard-00000-b2.parquet");
    Files.writeString(leftover, "half");
    Plan plan = Plan.forSteps(4, 10, 5, 1);
    CanonicalShards shards = write(directory, plan, Order.INPUT);
    assertThat(leftover).doesNotExist();
    assertThat(CanonicalShards.find(storage, directory.toString(), shards.fingerprint()))
        .isPresent();
    assertThat(CanonicalShards.find(storage, directory.toString(), "other")).isEmpty();
    Files.copy(
        directory.resolve("shard-00001-a1.parquet"),
        directory.resolve("shard-00003-a1.parquet"),
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> shards.reader(0, 1, 0))
        .isInstanceOf(PlumblineException.class)
        .hasMessageContaining("where the manifest says");
    assertThatThrownBy(
            () ->
                CanonicalShards.commit(
                    storage,
                    directory.toString(),
                    plan,
                    Order.INPUT,
                    Optional.empty(),
                    "content",
                    List.of()))
        .hasMessageContaining("0 files");
  }

  @Example
  void theSeedCountsOnlyWhereThereIsAShuffle() {
    Plan one = Plan.forSteps(4, 10, 5, 1);
    Plan two = Plan.forSteps(4, 10, 5, 2);
    assertThat(CanonicalShards.fingerprint(one, Order.INPUT, Optional.empty(), "c"))
        .isEqualTo(CanonicalShards.fingerprint(two, Order.INPUT, Optional.empty(), "c"))
        .isNotEqualTo(CanonicalShards.fingerprint(one, Order.INPUT, Optional.empty(), "d"));
    assertThat(CanonicalShards.fingerprint(one, Order.SHUFFLED, Optional.empty(), "c"))
        .isNotEqualTo(CanonicalShards.fingerprint(two, Order.SHUFFLED, Optional.empty(), "c"));
  }
}
