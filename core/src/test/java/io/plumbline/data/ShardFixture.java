package io.plumbline.data;

import io.plumbline.data.CanonicalShards.Order;
import io.plumbline.data.CanonicalShards.Plan;
import io.plumbline.data.CanonicalShards.ShardFile;
import io.plumbline.data.CanonicalShards.ShardWriter;
import io.plumbline.storage.Storage;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Canonical shards of rows that a test has made. */
public final class ShardFixture {
  private ShardFixture() {}

  /** Writes rows, in the order of their indexes, where a plan places them. */
  public static void write(
      Storage storage, String directory, Plan plan, Order order, List<TokenizedRow> rows) {
    Placement placement = new Placement(plan, order, Optional.empty());
    int batch = plan.globalBatchSize();
    Map<Integer, TreeMap<Long, TokenizedRow>> byShard = new TreeMap<>();
    for (int i = 0; i < rows.size(); i++) {
      TokenizedRow row = rows.get(i);
      placement.places(
          i,
          place ->
              byShard
                  .computeIfAbsent(plan.shardOf((int) (place % batch)), s -> new TreeMap<>())
                  .put(place, row));
    }
    List<ShardFile> files = new ArrayList<>();
    byShard.forEach(
        (shard, placed) -> {
          ShardWriter writer = CanonicalShards.shardWriter(storage, directory, plan, shard, "a");
          try (writer) {
            placed.forEach(
                (place, row) ->
                    writer.write(new PlacedRow(place / batch, (int) (place % batch), row)));
          }
          files.add(writer.file());
        });
    CanonicalShards.commit(storage, directory, plan, order, Optional.empty(), "test", files);
  }
}
