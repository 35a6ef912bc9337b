package io.plumbline.spark.prepare;

import io.plumbline.data.CanonicalShards;
import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.ShardFile;
import io.plumbline.data.CanonicalShards.ShardWriter;
import io.plumbline.data.Mixture;
import io.plumbline.data.PlacedRow;
import io.plumbline.data.Placement;
import io.plumbline.data.TokenizedRow;
import io.plumbline.storage.Manifest;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.apache.spark.Partitioner;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.Function2;
import scala.Tuple2;

/** Writes canonical shards by a Spark job: one task a shard, its rows sorted by step and slot. */
public final class ShardWriting {
  private ShardWriting() {}

  /**
   * Writes the rows of a whole run, or finds them written.
   *
   * @param rows with indexes from 0 to before the plan's number of rows, in any order; those of a
   *     mixture's sources one source after the other
   * @param mixture how often the rows of each source are trained on; without one every row once an
   *     epoch
   * @param content fingerprint of the rows and of all that was added to them, such as reference
   *     log-probabilities
   */
  public static CanonicalShards write(
      Storage storage,
      String directory,
      JavaRDD<TokenizedRow> rows,
      Plan plan,
      Order order,
      Optional<Mixture> mixture,
      String content) {
    Optional<CanonicalShards> found =
        CanonicalShards.find(
            storage, directory, CanonicalShards.fingerprint(plan, order, mixture, content));
    if (found.isPresent()) {
      return found.get();
    }
    // What is there is of another run; nobody may take it for complete while it is replaced.
    Manifest.delete(storage, directory);
    Placement placement = new Placement(plan, order, mixture);
    String run = UUID.randomUUID().toString().substring(0, 8);
    List<ShardFile> files =
        Jobs.run(
            () ->
                rows.flatMapToPair(row -> placed(placement, row))
                    .repartitionAndSortWithinPartitions(new ByShard(plan))
                    .mapPartitionsWithIndex(new WriteShard(storage, directory, plan, run), true)
                    .collect());
    return CanonicalShards.commit(storage, directory, plan, order, mixture, content, files);
  }

  /** Those of a run's rows that it comes to: a short one ends before it has seen them all. */
  public static JavaRDD<TokenizedRow> reached(
      JavaRDD<TokenizedRow> rows, Plan plan, Order order, Optional<Mixture> mixture) {
    if (mixture.isEmpty() && plan.steps() >= plan.stepsPerEpoch()) {
      return rows;
    }
    Placement placement = new Placement(plan, order, mixture);
    return rows.filter(row -> !places(placement, row).isEmpty());
  }

  private static Iterator<Tuple2<Long, byte[]>> placed(Placement placement, TokenizedRow row) {
    byte[] bytes = RowBytes.write(row);
    return places(placement, row).stream().map(place -> new Tuple2<>(place, bytes)).iterator();
  }

  private static List<Long> places(Placement placement, TokenizedRow row) {
    List<Long> places = new ArrayList<>();
    placement.places(row.index(), places::add);
    return places;
  }

  /** Keys are step · G + slot: sorted, they give the order within a shard. */
  private static final class ByShard extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final Plan plan;

    private ByShard(Plan plan) {
      this.plan = plan;
    }

    @Override
    public int numPartitions() {
      return plan.shards();
    }

    @Override
    public int getPartition(Object key) {
      return plan.shardOf((int) ((Long) key % plan.globalBatchSize()));
    }
  }

  private record WriteShard(Storage storage, String directory, Plan plan, String run)
      implements Function2<Integer, Iterator<Tuple2<Long, byte[]>>, Iterator<ShardFile>> {
    @Override
    public Iterator<ShardFile> call(Integer shard, Iterator<Tuple2<Long, byte[]>> rows) {
      // Unique to the attempt: two attempts at one shard never write to one file.
      String attempt = run + "-" + TaskContext.get().taskAttemptId();
      ShardFile file;
      try (ShardWriter writer =
          CanonicalShards.shardWriter(storage, directory, plan, shard, attempt)) {
        while (rows.hasNext()) {
          Tuple2<Long, byte[]> row = rows.next();
          long place = row._1();
          writer.write(
              new PlacedRow(
                  place / plan.globalBatchSize(),
                  (int) (place % plan.globalBatchSize()),
                  RowBytes.read(row._2())));
        }
        file = writer.file();
      }
      return List.of(file).iterator();
    }
  }
}
