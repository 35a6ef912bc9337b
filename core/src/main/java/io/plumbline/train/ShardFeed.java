package io.plumbline.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.plumbline.collective.Collective;
import io.plumbline.data.CanonicalShards;

/** The rows of written shards, as they are. */
final class ShardFeed implements StepFeed<NoColumns> {
  private final CanonicalShards shards;
  private final Collective collective;
  private CanonicalShards.StepReader reader;

  ShardFeed(CanonicalShards shards, Collective collective) {
    this.shards = shards;
    this.collective = collective;
  }

  @Override
  public long steps() {
    return shards.plan().steps();
  }

  @Override
  public double epochs(long steps) {
    return (double) steps / shards.plan().stepsPerEpoch();
  }

  @Override
  public void goTo(long steps, ObjectNode state) {
    reader = shards.reader(collective.rank(), collective.worldSize(), steps);
  }

  @Override
  public StepBatch<NoColumns> batch(long step) {
    return StepBatch.of(reader.next());
  }

  /** How many steps are done says it all. */
  @Override
  public ObjectNode state() {
    return JsonNodeFactory.instance.objectNode();
  }

  @Override
  public void close() {
    if (reader != null) {
      reader.close();
    }
  }
}
